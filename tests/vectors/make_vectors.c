/* Writes the golden vectors: `make_vectors DIRECTORY`. Only when a wire form changes on purpose,
 * which is a new protocol version once it is in use. */
#include "tests/vectors/forms.h"

int main(int argc, char **argv)
{
    if (argc != 2) {
        (void)fprintf(stderr, "usage: make_vectors DIRECTORY\n");
        return 2;
    }
    must(crypto_start() == OK);
    for (size_t i = 0; i < COUNT_OF(vector_files); i++) {
        char path[1024];
        int len = snprintf(path, sizeof(path), "%s/%s", argv[1], vector_files[i].name);
        FILE *out = len > 0 && (size_t)len < sizeof(path) ? fopen(path, "w") : NULL;
        if (!out) {
            perror(vector_files[i].name);
            return 1;
        }
        vector_write(&vector_files[i], out);
        if (fclose(out)) {
            perror(path);
            return 1;
        }
    }
    return 0;
}
