/* What happens to the console of a program, for tests on Windows; it is never shipped.
 *
 *   console event NUMBER PID TIMES   CTRL_C_EVENT (0), CTRL_BREAK_EVENT (1), CTRL_CLOSE_EVENT (2), ... reach a process
 *   console run COMMAND              runs a command line in a console of its own, which works without a display
 *
 * Wine's own GenerateConsoleCtrlEvent knows Ctrl-C only, and a closed console of wine ends its programs without a word.
 * What Windows does for each event, beginning a thread with the system's CtrlRoutine in the process, works under wine
 * too: the handlers of the process run as on Windows. */
#define _WIN32_WINNT 0x0A00
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>

/* The headers of older compilers lack it. */
#define PSEUDOCONSOLE 0x00020016
/* So long Windows waits for a program whose console closed. */
#define PATIENCE 5000

static int fail(const char *what)
{
    fprintf(stderr, "%s: error %lu\n", what, GetLastError());
    return 1;
}

/* Typed into the console of the process. */
static int typed(DWORD pid, int times)
{
    FreeConsole();
    if (!AttachConsole(pid))
        return fail("AttachConsole");
    SetConsoleCtrlHandler(NULL, TRUE);
    for (; times > 0; times--) {
        if (!GenerateConsoleCtrlEvent(CTRL_C_EVENT, 0))
            return fail("GenerateConsoleCtrlEvent");
    }
    return 0;
}

/* Done by the system. A program whose console closed, or that is logged off, is ended when its handlers return and at
 * the latest after some seconds: 3 when it was. */
static int happened(DWORD event, DWORD pid, int times)
{
    HMODULE system = GetModuleHandleA("kernelbase.dll");
    LPTHREAD_START_ROUTINE routine = (LPTHREAD_START_ROUTINE)(void *)GetProcAddress(system, "CtrlRoutine");
    HANDLE process = OpenProcess(PROCESS_ALL_ACCESS, FALSE, pid);
    HANDLE either[2] = {process, NULL};

    if (!routine || !process)
        return fail("the process");
    for (; times > 0; times--) {
        either[1] = CreateRemoteThread(process, NULL, 0, routine, (void *)(ULONG_PTR)event, 0, NULL);
        if (!either[1])
            return fail("CreateRemoteThread");
    }
    if (event < CTRL_CLOSE_EVENT)
        return 0;
    WaitForMultipleObjects(2, either, FALSE, PATIENCE);
    /* The end of the process is the end of the thread, too. */
    if (WaitForSingleObject(process, 100) == WAIT_OBJECT_0)
        return 0;
    TerminateProcess(process, 0xC000013A);
    return 3;
}

static DWORD WINAPI drain(void *pipe)
{
    char bytes[1000];
    DWORD count;

    while (ReadFile(pipe, bytes, sizeof bytes, &count, NULL) && count)
        ;
    return 0;
}

static int run(char *line)
{
    HMODULE system = GetModuleHandleA("kernel32.dll");
    HRESULT(WINAPI * create)(COORD, HANDLE, HANDLE, DWORD, void **) =
        (void *)GetProcAddress(system, "CreatePseudoConsole");
    HANDLE in, type, show, out;
    COORD size = {80, 25};
    SIZE_T length = 0;
    STARTUPINFOEXA start = {.StartupInfo = {.cb = sizeof start}};
    PROCESS_INFORMATION inside;
    void *console;
    DWORD code;

    if (!create || !CreatePipe(&in, &type, NULL, 0) || !CreatePipe(&show, &out, NULL, 0))
        return fail("CreatePipe");
    if (create(size, in, out, 0, &console) < 0)
        return fail("CreatePseudoConsole");
    CreateThread(NULL, 0, drain, show, 0, NULL);
    InitializeProcThreadAttributeList(NULL, 1, 0, &length);
    start.lpAttributeList = malloc(length);
    if (!InitializeProcThreadAttributeList(start.lpAttributeList, 1, 0, &length) ||
        !UpdateProcThreadAttribute(start.lpAttributeList, 0, PSEUDOCONSOLE, console, sizeof console, NULL, NULL))
        return fail("UpdateProcThreadAttribute");
    if (!CreateProcessA(NULL, line, NULL, NULL, FALSE, EXTENDED_STARTUPINFO_PRESENT, NULL, NULL, &start.StartupInfo,
                        &inside))
        return fail("CreateProcess");
    WaitForSingleObject(inside.hProcess, INFINITE);
    GetExitCodeProcess(inside.hProcess, &code);
    return (int)code;
}

int main(int count, char **words)
{
    if (count == 5 && !strcmp(words[1], "event")) {
        DWORD event = strtoul(words[2], NULL, 10), pid = strtoul(words[3], NULL, 10);
        int times = atoi(words[4]);
        return event == CTRL_C_EVENT ? typed(pid, times) : happened(event, pid, times);
    }
    /* As it stands on our own line, with its quotes. */
    if (count > 2 && !strcmp(words[1], "run"))
        return run(strstr(GetCommandLineA(), " run ") + strlen(" run "));
    return fail("usage");
}
