// Starts a program by the command line that is in a file, as it stands: nothing between quotes it again. For tests.
#include <stdio.h>
#include <windows.h>

static char bytes[16384];
static WCHAR line[16384];

int main(int count, char **words) {
    FILE *file = count == 2 ? fopen(words[1], "rb") : NULL;
    if (!file) return 250;
    bytes[fread(bytes, 1, sizeof bytes - 1, file)] = 0;
    if (!MultiByteToWideChar(CP_UTF8, 0, bytes, -1, line, 16384)) return 251;
    STARTUPINFOW how = {.cb = sizeof how};
    PROCESS_INFORMATION started;
    if (!CreateProcessW(NULL, line, NULL, NULL, TRUE, 0, NULL, NULL, &how, &started)) return 252;
    WaitForSingleObject(started.hProcess, INFINITE);
    DWORD status = 253;
    GetExitCodeProcess(started.hProcess, &status);
    return (int)status;
}
