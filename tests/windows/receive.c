/* A program that a server runs for a request, as eSync's are; tests start it, and it is never shipped.
 *
 *   receive FILE SCRIPT      appends what was posted to the file, and answers how much it was
 */
#include <fcntl.h>
#include <io.h>
#include <stdio.h>
#include <stdlib.h>

int main(int count, char **words)
{
    const char *length = getenv("CONTENT_LENGTH");
    char bytes[4096];
    size_t got;
    FILE *file;

    if (count < 2 || !length || !(file = fopen(words[1], "ab")))
        return 1;
    _setmode(_fileno(stdin), _O_BINARY);
    _setmode(_fileno(stdout), _O_BINARY);
    while ((got = fread(bytes, 1, sizeof bytes, stdin)) > 0)
        fwrite(bytes, 1, got, file);
    fclose(file);
    printf("Content-Type: text/plain\r\n\r\nstored %s\n", length);
    return 0;
}
