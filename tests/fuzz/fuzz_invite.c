/* An invite file as a person hands it over. The first byte chooses: 'b' the rest is what stands in
 * the base64 (armoured here); anything else the whole input is the file. */
#include <stdio.h>
#include <string.h>

#include "common/must.h"
#include "proto/invite.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool started;
    static char base64[INVITE_TEXT_MAX], text[INVITE_TEXT_MAX + 64];
    if (!started)
        must(crypto_start() == OK);
    started = true;

    struct bytes in = bytes_of(data, size);
    if (size > 0 && data[0] == 'b') {
        if (crypto_base64(bytes_of(data + 1, size - 1), base64, sizeof(base64)))
            return 0;
        int len = snprintf(text, sizeof(text), "%s\n%s\nend\n", INVITE_FIRST_LINE, base64);
        must(len > 0);
        in = bytes_of(text, (size_t)len);
    }
    struct invite invite;
    struct problem problem = { .code = OK };
    enum err err = invite_parse(in, &invite, &problem);
    must(err == problem.code);
    if (!err) {
        must(memchr(invite.node, '\0', sizeof(invite.node)) && invite.node[0]);
        must(invite.hub.endpoint_count >= 1 && invite.hub.endpoint_count <= ENDPOINTS_MAX);
    }
    return 0;
}
