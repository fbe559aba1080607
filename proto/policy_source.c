#include "proto/policy_source.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/must.h"
#include "proto/codec.h"

enum token {
    TOKEN_END,
    TOKEN_WORD,
    TOKEN_STRING,
    TOKEN_EQUALS,
    TOKEN_OPEN,
    TOKEN_CLOSE,
    TOKEN_COMMA
};

struct lexer {
    struct source_index *index;
    const char *file;
    struct bytes text;
    size_t at;
    unsigned line;
    enum token token;
    struct bytes word; /* of a word, or between the quotes of a string */
    unsigned token_line;
    struct problem *problem;
    enum err err;
};

struct level {
    size_t path_len;
    unsigned line;
};

static bool refuse(struct lexer *lexer, unsigned line, const char *detail)
{
    char thing[PROBLEM_THING_MAX];
    snprintf(thing, sizeof thing, "%s:%u", lexer->file, line);
    if (lexer->err == OK)
        lexer->err = problem_set(lexer->problem, ERR_POLICY_SYNTAX, thing, detail);
    return false;
}

static uint8_t peek(const struct lexer *lexer, size_t ahead)
{
    size_t at = lexer->at + ahead;
    return at < lexer->text.len ? lexer->text.at[at] : 0;
}

static bool is_word(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.' || c == '-';
}

/* Spaces and comments: "#", "//" to the end of the line, C comments. */
static bool skip_blank(struct lexer *lexer)
{
    for (;;) {
        uint8_t c = peek(lexer, 0);
        if (c == ' ' || c == '\t' || c == '\n') {
            lexer->line += c == '\n';
            lexer->at++;
        } else if (c == '#' || (c == '/' && peek(lexer, 1) == '/')) {
            while (lexer->at < lexer->text.len && peek(lexer, 0) != '\n')
                lexer->at++;
        } else if (c == '/' && peek(lexer, 1) == '*') {
            unsigned line = lexer->line;
            lexer->at += 2;
            while (lexer->at < lexer->text.len && !(peek(lexer, 0) == '*' && peek(lexer, 1) == '/'))
                lexer->line += lexer->text.at[lexer->at++] == '\n';
            if (lexer->at == lexer->text.len)
                return refuse(lexer, line, "the comment is not closed");
            lexer->at += 2;
        } else {
            return true;
        }
    }
}

static bool take_string(struct lexer *lexer)
{
    uint8_t quote = peek(lexer, 0);
    size_t start = ++lexer->at;
    for (;; lexer->at++) {
        uint8_t c = peek(lexer, 0);
        if (lexer->at == lexer->text.len || c == '\n')
            return refuse(lexer, lexer->line, "the quote is not closed on its line");
        if (c < 0x20 || c == 0x7F)
            return refuse(lexer, lexer->line, "a control character inside quotes");
        if (c == '$' && peek(lexer, 1) == '{')
            return refuse(lexer, lexer->line, "${…} is not expanded; write the value itself");
        if (c == quote)
            break;
        if (c == '\\') {
            uint8_t next = peek(lexer, 1);
            if (next != '\\' && next != quote)
                return refuse(lexer, lexer->line,
                              "a backslash stands only before a backslash or the quote");
            lexer->at++;
        }
    }
    lexer->word = bytes_of(lexer->text.at + start, lexer->at - start);
    lexer->at++;
    lexer->token = TOKEN_STRING;
    return true;
}

static bool next_token(struct lexer *lexer)
{
    if (!skip_blank(lexer))
        return false;
    lexer->token_line = lexer->line;
    if (lexer->at == lexer->text.len) {
        lexer->token = TOKEN_END;
        return true;
    }
    uint8_t c = peek(lexer, 0);
    if (c == '\'' || c == '"')
        return take_string(lexer);
    if (c == '$' && peek(lexer, 1) == '{')
        return refuse(lexer, lexer->line, "${…} is not expanded; write the value itself");
    size_t start = lexer->at;
    while (is_word(peek(lexer, 0)))
        lexer->at++;
    if (lexer->at > start) {
        lexer->word = bytes_of(lexer->text.at + start, lexer->at - start);
        lexer->token = TOKEN_WORD;
        return true;
    }
    lexer->at++;
    switch (c) {
    case '=':
        lexer->token = TOKEN_EQUALS;
        return true;
    case '{':
        lexer->token = TOKEN_OPEN;
        return true;
    case '}':
        lexer->token = TOKEN_CLOSE;
        return true;
    case ',':
        lexer->token = TOKEN_COMMA;
        return true;
    default:
        return refuse(lexer, lexer->line,
                      "an unexpected character; put text between single quotes");
    }
}

static bool remember(struct lexer *lexer, const char *path, unsigned line)
{
    struct source_index *index = lexer->index;
    if (index->count == index->cap) {
        size_t cap = index->cap == 0 ? 256 : index->cap * 2;
        struct source_entry *entries = realloc(index->entries, cap * sizeof *entries);
        if (entries == NULL) {
            lexer->err = problem_set(lexer->problem, ERR_MEMORY, lexer->file, NULL);
            return false;
        }
        index->entries = entries;
        index->cap = cap;
    }
    char *copy = strdup(path);
    if (copy == NULL) {
        lexer->err = problem_set(lexer->problem, ERR_MEMORY, lexer->file, NULL);
        return false;
    }
    index->entries[index->count] = (struct source_entry){
        .path = copy, .file = lexer->file, .line = line, .order = (unsigned)index->count
    };
    index->count++;
    return true;
}

/* Adds " word" to the path; *len is its length. */
static bool path_add(struct lexer *lexer, char path[SOURCE_PATH_MAX], size_t *len,
                     struct bytes word)
{
    size_t gap = *len > 0 ? 1 : 0;
    if (word.len == 0)
        return refuse(lexer, lexer->token_line, "an empty name");
    if (*len + gap + word.len + 1 > SOURCE_PATH_MAX)
        return refuse(lexer, lexer->token_line, "the name is too long");
    if (gap > 0)
        path[(*len)++] = ' ';
    memcpy(path + *len, word.at, word.len);
    *len += word.len;
    path[*len] = '\0';
    return true;
}

static bool is_value(enum token token)
{
    return token == TOKEN_WORD || token == TOKEN_STRING;
}

/* After "=": one value, or { value, value, … }. */
static bool read_value(struct lexer *lexer)
{
    if (!next_token(lexer))
        return false;
    if (is_value(lexer->token))
        return true;
    if (lexer->token != TOKEN_OPEN)
        return refuse(lexer, lexer->token_line, "after = comes a value, or a list { a, b }");
    if (!next_token(lexer))
        return false;
    if (lexer->token == TOKEN_CLOSE)
        return true;
    for (;;) {
        if (!is_value(lexer->token))
            return refuse(lexer, lexer->token_line, "a list is { a, b } with a comma between");
        if (!next_token(lexer))
            return false;
        if (lexer->token == TOKEN_CLOSE)
            return true;
        if (lexer->token != TOKEN_COMMA)
            return refuse(lexer, lexer->token_line, "a list is { a, b } with a comma between");
        if (!next_token(lexer))
            return false;
    }
}

/* A key with its value, or the head of a section: then one level deeper. */
static bool read_item(struct lexer *lexer, char path[SOURCE_PATH_MAX], struct level *levels,
                      unsigned *depth)
{
    size_t len = levels[*depth].path_len;
    unsigned line = lexer->token_line;
    struct bytes name = lexer->word;
    path[len] = '\0';
    if (!path_add(lexer, path, &len, name) || !next_token(lexer))
        return false;
    if (lexer->token == TOKEN_EQUALS)
        return *depth > 0 ? remember(lexer, path, line) && read_value(lexer)
                          : refuse(lexer, line, "a key stands outside of any section");
    if (is_value(lexer->token) && (!path_add(lexer, path, &len, lexer->word) || !next_token(lexer)))
        return false;
    if (lexer->token != TOKEN_OPEN)
        return refuse(lexer, line, "a key needs = and a value, a section { … }");
    if (*depth + 1 == SOURCE_DEPTH_MAX)
        return refuse(lexer, line, "sections are nested too deeply");
    levels[++*depth] = (struct level){ .path_len = len, .line = line };
    return remember(lexer, path, line);
}

static bool read_items(struct lexer *lexer)
{
    char path[SOURCE_PATH_MAX] = "";
    char detail[SOURCE_PATH_MAX + 40];
    struct level levels[SOURCE_DEPTH_MAX] = { { .path_len = 0 } };
    unsigned depth = 0;
    for (;;) {
        if (!next_token(lexer))
            return false;
        if (lexer->token == TOKEN_END) {
            path[levels[depth].path_len] = '\0';
            snprintf(detail, sizeof detail, "section \"%s\" is not closed", path);
            return depth == 0 || refuse(lexer, levels[depth].line, detail);
        }
        if (lexer->token == TOKEN_CLOSE) {
            if (depth == 0)
                return refuse(lexer, lexer->token_line, "} without a section");
            depth--;
        } else if (lexer->token != TOKEN_WORD) {
            return refuse(lexer, lexer->token_line, "here a key or a section is expected");
        } else if (!read_item(lexer, path, levels, &depth)) {
            return false;
        }
    }
}

static bool text_ok(struct lexer *lexer)
{
    struct bytes text = lexer->text;
    unsigned line = 1;
    size_t start = 0;
    if (text.len >= 3 && memcmp(text.at, "\xEF\xBB\xBF", 3) == 0)
        return refuse(lexer, 1, "a byte order mark; save as UTF-8 without one");
    for (size_t i = 0; i <= text.len; i++) {
        if (i < text.len && text.at[i] == 0)
            return refuse(lexer, line, "a NUL byte");
        if (i < text.len && text.at[i] != '\n')
            continue;
        if (!codec_utf8(bytes_of(text.at + start, i - start)))
            return refuse(lexer, line, "not UTF-8 text");
        start = i + 1;
        line++;
    }
    return true;
}

enum err source_read(struct source_index *index, const char *file, struct bytes text,
                     struct problem *problem)
{
    struct lexer lexer = {
        .index = index, .file = file, .text = text, .line = 1, .problem = problem
    };
    bool done = text_ok(&lexer) && read_items(&lexer);
    must(done == (lexer.err == OK));
    return lexer.err;
}

static int entry_order(const void *a, const void *b)
{
    const struct source_entry *left = a;
    const struct source_entry *right = b;
    int order = strcmp(left->path, right->path);
    return order != 0 ? order : left->order < right->order ? -1 : 1;
}

enum err source_finish(struct source_index *index, struct problem *problem)
{
    char thing[PROBLEM_THING_MAX];
    if (index->count == 0)
        return OK;
    qsort(index->entries, index->count, sizeof index->entries[0], entry_order);
    for (size_t i = 1; i < index->count; i++) {
        const struct source_entry *first = &index->entries[i - 1];
        const struct source_entry *second = &index->entries[i];
        if (strcmp(first->path, second->path) != 0)
            continue;
        snprintf(thing, sizeof thing, "%s:%u %s", second->file, second->line, second->path);
        return problem_setf(problem, ERR_POLICY_DUPLICATE, thing, "%s:%u", first->file,
                            first->line);
    }
    return OK;
}

static const struct source_entry *find_path(const struct source_index *index, const char *path)
{
    size_t low = 0;
    size_t high = index->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(index->entries[middle].path, path);
        if (order == 0)
            return &index->entries[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

void source_find(const struct source_index *index, const char *place, char *ret, size_t cap)
{
    char path[SOURCE_PATH_MAX];
    char shared[SOURCE_PATH_MAX];
    snprintf(path, sizeof path, "%.*s", (int)sizeof path - 1, place);
    ret[0] = '\0';
    for (;;) {
        const struct source_entry *entry = find_path(index, path);
        const char *field = strstr(path, " field ");
        if (entry == NULL && field != NULL) {
            snprintf(shared, sizeof shared, "common%.*s", (int)sizeof shared - 7, field);
            entry = find_path(index, shared);
        }
        if (entry != NULL) {
            snprintf(ret, cap, "%s:%u", entry->file, entry->line);
            return;
        }
        char *space = strrchr(path, ' ');
        if (space == NULL)
            return;
        *space = '\0';
    }
}

void source_close(struct source_index *index)
{
    for (size_t i = 0; i < index->count; i++)
        free(index->entries[i].path);
    free(index->entries);
    *index = (struct source_index){ 0 };
}
