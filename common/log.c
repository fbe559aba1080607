#include "common/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_BYTES 1024

static const struct {
    const char *name;
    int priority; /* as syslog(3) counts */
} levels[] = {
    [LOG_LEVEL_ERROR] = { "error", 3 },
    [LOG_LEVEL_WARNING] = { "warning", 4 },
    [LOG_LEVEL_INFO] = { "info", 6 },
    [LOG_LEVEL_DEBUG] = { "debug", 7 },
};

static enum log_level level_max = LOG_LEVEL_INFO;

void log_start(enum log_level level)
{
    level_max = level;
}

bool log_level_from_name(const char *name, enum log_level *ret_level)
{
    for (size_t i = 0; i < COUNT_OF(levels); i++) {
        if (strcmp(levels[i].name, name) == 0) {
            *ret_level = (enum log_level)i;
            return true;
        }
    }
    return false;
}

/* systemd.exec(5): the variable is inherited, so it counts only when it names our own stderr. */
static bool stderr_is_the_journal(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    struct stat st;
    char own[64];
    if (!stream || fstat(STDERR_FILENO, &st) != 0)
        return false;
    (void)snprintf(own, sizeof(own), "%llu:%llu", (unsigned long long)st.st_dev,
                   (unsigned long long)st.st_ino);
    return strcmp(own, stream) == 0;
}

static size_t put_head(enum log_level level, char *line, size_t cap)
{
    int len = 0;
    if (stderr_is_the_journal())
        len = snprintf(line, cap, "<%d>", levels[level].priority);
    else {
        struct tm tm;
        time_t now = time(NULL);
        char when[32] = "";
        if (gmtime_r(&now, &tm))
            (void)strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &tm);
        len = snprintf(line, cap, "%s %s: ", when, levels[level].name);
    }
    return len < 0 ? 0 : (size_t)len;
}

void log_write(enum log_level level, const char *fmt, ...)
{
    if (level > level_max)
        return;
    int saved_errno = errno;
    char line[LINE_MAX_BYTES];
    size_t head_len = put_head(level, line, sizeof(line));
    va_list args;
    va_start(args, fmt);
    int len = vsnprintf(line + head_len, sizeof(line) - head_len - 1, fmt, args);
    va_end(args);
    if (len < 0)
        line[head_len] = '\0';
    for (char *at = line + head_len; *at; at++) {
        if ((unsigned char)*at < 0x20 || *at == 0x7f)
            *at = '?';
    }
    /* In one write, so that lines of a child and its parent do not mix. */
    size_t line_len = strlen(line);
    line[line_len++] = '\n';
    ssize_t written = write(STDERR_FILENO, line, line_len);
    (void)written;
    errno = saved_errno;
}

void log_problem(enum log_level level, const char *what, const struct problem *problem)
{
    char rule[PROBLEM_DETAIL_MAX + 128];
    problem_rule(problem, LANG_EN, rule, sizeof(rule));
    log_write(level, "%s thing=\"%s\" code=%s rule=\"%s\" remedy=\"%s\"", what, problem->thing,
              err_name(problem->code), rule, problem_remedy(problem, LANG_EN));
}
