#include "proto/policy_files.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

enum err file_read_all(const char *path, const char *name, size_t max, char **ret_at,
                       size_t *ret_len, struct problem *problem)
{
    char *text = NULL;
    struct stat status;
    enum err err = OK;
    FILE *file = fopen(path, "rbe");
    if (file == NULL)
        return problem_set(problem, ERR_IO, name, strerror(errno));
    if (fstat(fileno(file), &status) != 0 || !S_ISREG(status.st_mode)) {
        err = problem_set(problem, ERR_IO, name, "not a plain file");
        goto done;
    }
    text = malloc(max + 2);
    if (text == NULL) {
        err = problem_set(problem, ERR_MEMORY, name, NULL);
        goto done;
    }
    size_t len = fread(text, 1, max + 1, file);
    if (ferror(file)) {
        err = problem_set(problem, ERR_IO, name, strerror(errno));
        goto done;
    }
    if (len > max) {
        err = problem_setf(problem, ERR_LIMIT, name, "> %zu bytes", max);
        goto done;
    }
    text[len] = '\0';
    *ret_at = text;
    *ret_len = len;
    text = NULL;

done:
    free(text);
    fclose(file);
    return err;
}

static int name_order(const void *a, const void *b)
{
    return strcmp(a, b);
}

static enum err list_files(const char *path, struct source_files *files, struct problem *problem)
{
    DIR *directory = opendir(path);
    if (directory == NULL)
        return problem_set(problem, ERR_IO, path, strerror(errno));
    enum err err = OK;
    struct dirent *entry = NULL;
    while (err == OK && (entry = readdir(directory)) != NULL) {
        size_t len = strlen(entry->d_name);
        if (entry->d_name[0] == '.' || len < 6 || strcmp(entry->d_name + len - 5, ".conf") != 0)
            continue;
        if (len >= FILE_NAME_BYTES || files->count == SOURCE_FILES_MAX)
            err = problem_set(problem, ERR_LIMIT, entry->d_name, "too many files, or long name");
        else
            memcpy(files->name[files->count++], entry->d_name, len + 1);
    }
    closedir(directory);
    if (err == OK && files->count == 0)
        err = problem_set(problem, ERR_NOT_FOUND, path, "*.conf");
    qsort(files->name, files->count, FILE_NAME_BYTES, name_order);
    return err;
}

/* libconfuse ends lines at \n only. */
static size_t drop_returns(char *text, size_t len)
{
    size_t kept = 0;
    for (size_t i = 0; i < len; i++)
        if (text[i] != '\r' || i + 1 == len || text[i + 1] != '\n')
            text[kept++] = text[i];
    text[kept] = '\0';
    return kept;
}

static enum err read_file(const char *directory, struct source_files *files, size_t i,
                          struct problem *problem)
{
    char path[4096];
    size_t len = 0;
    int path_len = snprintf(path, sizeof path, "%s/%s", directory, files->name[i]);
    if (path_len < 0 || (size_t)path_len >= sizeof path)
        return problem_set(problem, ERR_LIMIT, files->name[i], "path");
    enum err err =
        file_read_all(path, files->name[i], SOURCE_FILE_BYTES_MAX, &files->text[i], &len, problem);
    if (err != OK)
        return err;
    len = drop_returns(files->text[i], len);
    return source_read(&files->index, files->name[i], bytes_of(files->text[i], len), problem);
}

enum err source_files_open(const char *directory, struct source_files **ret_files,
                           struct problem *problem)
{
    struct source_files *files = calloc(1, sizeof *files);
    if (files == NULL)
        return problem_set(problem, ERR_MEMORY, directory, NULL);
    enum err err = list_files(directory, files, problem);
    for (size_t i = 0; i < files->count && err == OK; i++)
        err = read_file(directory, files, i, problem);
    if (err == OK)
        err = source_finish(&files->index, problem);
    if (err == OK)
        *ret_files = files;
    else
        source_files_close(&files);
    return err;
}

void source_files_close(struct source_files **files)
{
    if (*files == NULL)
        return;
    for (size_t i = 0; i < (*files)->count; i++)
        free((*files)->text[i]);
    source_close(&(*files)->index);
    free(*files);
    *files = NULL;
}
