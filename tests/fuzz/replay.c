/* Runs a fuzz target once over every file of a corpus, without libFuzzer: what was found once is
 * tested for ever, with any compiler. Arguments are files or directories (not deeper than one). */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define INPUT_BYTES_MAX (4 * 1024 * 1024)

static unsigned replayed;

static int replay_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file) {
        perror(path);
        return 1;
    }
    /* Exactly as large as the input, so that the sanitizer sees a read past the end. */
    uint8_t *whole = malloc(INPUT_BYTES_MAX);
    size_t size = whole ? fread(whole, 1, INPUT_BYTES_MAX, file) : 0;
    fclose(file);
    uint8_t *input = whole ? realloc(whole, size ? size : 1) : NULL;
    if (!input) {
        free(whole);
        return 1;
    }
    /* The name first: when the target crashes, it is the last line. */
    printf("%s\n", path);
    fflush(stdout);
    (void)LLVMFuzzerTestOneInput(input, size);
    free(input);
    replayed++;
    return 0;
}

static int replay(const char *path)
{
    struct stat st;
    DIR *dir = stat(path, &st) == 0 && S_ISDIR(st.st_mode) ? opendir(path) : NULL;
    if (!dir)
        return replay_file(path);
    int failed = 0;
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        char name[4096];
        int len = snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
        if (len > 0 && (size_t)len < sizeof(name) && stat(name, &st) == 0 && S_ISREG(st.st_mode))
            failed |= replay_file(name);
    }
    closedir(dir);
    return failed;
}

int main(int argc, char **argv)
{
    int failed = 0;
    for (int i = 1; i < argc; i++)
        failed |= replay(argv[i]);
    printf("%u inputs\n", replayed);
    return failed || replayed == 0;
}
