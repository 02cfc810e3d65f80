@echo off
rem Tries on a real Windows what wine cannot judge; docs\windows.md lists it. About ten minutes, as Administrator.
rem
rem   windows-trial.cmd [esync-ssl.exe] [folder of an Apache 2.4 with bin and modules]
rem   windows-trial.cmd /clean      takes away what a run left that was ended
rem
rem Makes %SystemDrive%\esync-ssl-trial and, named esync-ssl-trial as well, a service, a task, a rule of the firewall and a
rem reserved port (44399); takes all of it away again. The Apache is copied, never changed. One line for each claim: PASS,
rem FAIL, or NOT TRIED with the reason; all of them in esync-ssl-trial.txt beside this script. Effects are judged, not
rem exit statuses: a system whose icacls, schtasks or netsh does nothing gets NOT TRIED.
setlocal EnableExtensions DisableDelayedExpansion
set "NAME=esync-ssl-trial"
set "TREE=%SystemDrive%\%NAME%"
set "REPORT=%~dp0%NAME%.txt"
set "ROOT=%TREE%\Apache24"
set "MAIN=%ROOT%\conf\httpd.conf"
set "KEYS=%ROOT%\conf\ssl"
set "LONG=%TREE%\%NAME%-a-folder-with-a-long-name-of-some-80-characters-so-that-three-are-too-many"
set "LONG=%LONG%\%NAME%-another-folder-with-a-long-name-of-some-80-characters-so-that-three-are-too-many"
set "LONG=%LONG%\%NAME%-the-third-folder-with-a-long-name-of-some-80-characters-so-that-three-are-too-many"
set "HTTP=44380"
set "HTTPS=44343"
set "KEPT=44399"
set "DRIVE="
if /i "%~1"=="/clean" goto clean_only
set "EXE=%~f1"
if "%~1"=="" set "EXE=%~dp0esync-ssl.exe"
set "APACHE="
if not "%~2"=="" set "APACHE=%~f2"
if not exist "%EXE%" goto no_program
if exist "%TREE%\" if not exist "%TREE%\made-by-the-trial" goto not_ours
if exist "%TREE%\" call :clean
sc query %NAME% >nul 2>&1
if not errorlevel 1 goto not_ours
md "%TREE%" 2>nul
if not exist "%TREE%\" goto no_folder
echo %NAME% >"%TREE%\made-by-the-trial"
if not exist "%TREE%\made-by-the-trial" goto no_folder
echo esync-ssl on a real Windows, %DATE% %TIME% >"%REPORT%"
ver >>"%REPORT%"
chcp >>"%REPORT%"
echo After Ctrl-C answer N: what was made is then taken away. Otherwise: "%~f0" /clean

call :prepare
call :starts
call :other_drive
call :ports
call :reserved_port
call :http_sys
call :firewall
call :code_page
call :held_file
call :long_path
call :unc_path
call :junction
call :service
call :look_for_lists
call :tree_right_below_the_drive
call :key_closed
call :service_shows_it
call :event_log
call :own_event
call :account_of_the_service
call :virtual_account
call :scheduler
call :not_elevated
call :console_closes
call :say "NOT TRIED" console "look yourself: does the u in the next line have two dots?"
type "%TREE%\umlaut.txt" 2>nul
"%EXE%" lint --root "%TREE%\umlaut" 2>nul
call :say "NOT TRIED" no-access-lists "needs a drive with FAT or exFAT"
call :say "NOT TRIED" domain-account "needs a domain"
call :say "NOT TRIED" real-network "needs a drive of a network that is slow or gone"
call :clean
echo The report is %REPORT%
exit /b 0

rem --- ground

:prepare
md "%ROOT%\conf"
md "%ROOT%\logs"
md "%ROOT%\htdocs"
md "%TREE%\given"
echo hello >"%ROOT%\htdocs\index.html"
md "%ROOT%\modules"
if defined APACHE xcopy "%APACHE%\bin" "%ROOT%\bin" /e /i /q /y >nul
if defined APACHE xcopy "%APACHE%\modules" "%ROOT%\modules" /e /i /q /y >nul
if not exist "%ROOT%\bin\httpd.exe" set "APACHE="
if not exist "%ROOT%\modules\mod_ssl.so" echo none >"%ROOT%\modules\mod_ssl.so"
set "SLASHED=%ROOT:\=/%"
>"%MAIN%" echo ServerRoot "%SLASHED%"
>>"%MAIN%" echo Listen %HTTP%
>>"%MAIN%" echo ServerName trial.example.com
>>"%MAIN%" echo LoadModule authz_core_module modules/mod_authz_core.so
>>"%MAIN%" echo LoadModule dir_module modules/mod_dir.so
>>"%MAIN%" echo LoadModule socache_shmcb_module modules/mod_socache_shmcb.so
>>"%MAIN%" echo #LoadModule ssl_module modules/mod_ssl.so
>>"%MAIN%" echo DocumentRoot "%SLASHED%/htdocs"
>>"%MAIN%" echo ErrorLog logs/error.log
copy /y "%MAIN%" "%TREE%\before.conf" >nul
exit /b 0

rem The program with these arguments: what it says is in out.txt, its status in RC.
:run
"%EXE%" %* >"%TREE%\out.txt" 2>&1
set "RC=%errorlevel%"
exit /b 0

rem The same on the tree, with a new site for HTTPS.
:enable
call :run enable --root "%ROOT%" --domain %1 --self-signed --port %HTTPS% --http keep --yes %2 %3 %4 %5
exit /b 0

:says
find "%~1" "%TREE%\out.txt" >nul 2>&1
exit /b %errorlevel%

rem Are two files the same? Without an fc that compares, by their lengths.
:same
if not "%~z1"=="%~z2" exit /b 1
fc /b "%~1" "%~2" >nul 2>&1
exit /b %errorlevel%

:back
copy /y "%TREE%\before.conf" "%MAIN%" >nul
rd /s /q "%KEYS%" 2>nul
exit /b 0

:pause
ping -n %1 127.0.0.1 >nul
exit /b 0

:say
echo %~1 %~2: %~3
echo %~1 %~2: %~3 >>"%REPORT%"
if not "%~1"=="FAIL" exit /b 0
if exist "%TREE%\out.txt" type "%TREE%\out.txt" >>"%REPORT%"
exit /b 0

rem PASS or FAIL by the error level before: 0 is right.
:judge
if errorlevel 1 goto judged_wrong
call :say PASS %1 %2
exit /b 0
:judged_wrong
call :say FAIL %1 %2
exit /b 0

rem --- claims that need no service

:starts
call :run --version
call :says esync-ssl
call :judge starts "the program starts on this Windows"
exit /b 0

:other_drive
call :run status --json
call :says """root"": null"
if errorlevel 1 goto other_apache
for %%d in (W V U T) do if not exist %%d:\ set "DRIVE=%%d:"
if not defined DRIVE goto no_drive
md "%TREE%\drive\eSync\Apache24\conf"
copy /y "%MAIN%" "%TREE%\drive\eSync\Apache24\conf\httpd.conf" >nul
subst %DRIVE% "%TREE%\drive" >nul 2>&1
if not exist %DRIVE%\eSync\Apache24\conf\httpd.conf goto no_drive
echo %DRIVE%>"%TREE%\letter"
call :run status
call :says "%DRIVE%\eSync\Apache24"
call :judge other-drive "eSync on another drive is found"
subst %DRIVE% /d >nul
exit /b 0
:other_apache
call :say "NOT TRIED" other-drive "this machine has an Apache, which is found first"
exit /b 0
:no_drive
call :say "NOT TRIED" other-drive "subst makes no drive here"
exit /b 0

:ports
call :run ports --root "%ROOT%" --port 135
call :says "svchost"
if not errorlevel 1 goto port_seen
netstat -an 2>nul | find ":135 " >nul
if errorlevel 1 goto no_table
call :say FAIL port-table "who listens on port 135 is not named"
exit /b 0
:port_seen
call :say PASS port-table "who listens on port 135 is named"
exit /b 0
:no_table
call :say "NOT TRIED" port-table "netstat shows nobody on port 135"
exit /b 0

:reserved_port
netsh int ipv4 add excludedportrange protocol=tcp startport=%KEPT% numberofports=1 store=active >nul 2>&1
netsh int ipv4 show excludedportrange protocol=tcp 2>nul | find "%KEPT%" >nul
if errorlevel 1 goto not_reserved
call :run ports --root "%ROOT%" --port %KEPT%
call :says "does not let any program listen"
call :judge reserved-port "a port that Windows reserves is told from one that is taken"
netsh int ipv4 delete excludedportrange protocol=tcp startport=%KEPT% numberofports=1 store=active >nul 2>&1
exit /b 0
:not_reserved
call :say "NOT TRIED" reserved-port "netsh reserves no port here, or this is not run as Administrator"
exit /b 0

:http_sys
set "HELD="
for %%p in (47001 5985 5357 80) do call :is_of_the_system %%p
if not defined HELD goto no_http_sys
call :run ports --root "%ROOT%" --port %HELD%
call :says "http.sys"
call :judge http-sys "port %HELD% of http.sys is told as such"
exit /b 0
:no_http_sys
call :say "NOT TRIED" http-sys "nothing here uses http.sys"
exit /b 0

:is_of_the_system
netstat -ano -p tcp 2>nul | find ":%1 " | findstr /r " 4$" | find ":" >nul
if not errorlevel 1 set "HELD=%1"
exit /b 0

:firewall
set "POLICY=HKLM\SYSTEM\CurrentControlSet\Services\SharedAccess\Parameters\FirewallPolicy"
reg query %POLICY%\PublicProfile /v EnableFirewall 2>nul | find "0x1" >nul
if errorlevel 1 goto no_firewall
call :run ports --root "%ROOT%"
call :says "advfirewall"
if errorlevel 1 goto firewall_wrong
netsh advfirewall firewall add rule name=%NAME% dir=in action=allow protocol=TCP localport=%HTTP% >nul 2>&1
reg query %POLICY%\FirewallRules 2>nul | find "%NAME%" >nul
if errorlevel 1 goto no_rule
call :run ports --root "%ROOT%"
netsh advfirewall firewall delete rule name=%NAME% >nul 2>&1
call :says "advfirewall"
if not errorlevel 1 goto firewall_wrong
call :say PASS firewall "without a rule it is told, with one it is not"
exit /b 0
:firewall_wrong
call :say FAIL firewall "the note about the rule of the firewall, or a rule for every program and port is in force"
exit /b 0
:no_firewall
call :say "NOT TRIED" firewall "the firewall is off, or does not show its settings"
exit /b 0
:no_rule
call :say "NOT TRIED" firewall "netsh adds no rule here, or this is not run as Administrator"
exit /b 0

:code_page
md "%TREE%\umlaut\conf"
rem The base64 is of an u with two dots, in UTF-8.
echo w7w=>"%TREE%\umlaut.b64"
certutil -f -decode "%TREE%\umlaut.b64" "%TREE%\umlaut.txt" >nul 2>&1
if not exist "%TREE%\umlaut.txt" goto no_umlaut
findstr /g:"%TREE%\umlaut.txt" "%MAIN%" >nul 2>&1
if not errorlevel 1 goto no_umlaut
echo Listen %HTTP%>"%TREE%\ascii.txt"
copy /b /y "%TREE%\ascii.txt" + "%TREE%\umlaut.txt" "%TREE%\umlaut\conf\httpd.conf" >nul
call :run lint --root "%TREE%\umlaut"
findstr /g:"%TREE%\umlaut.txt" "%TREE%\out.txt" >nul
call :judge code-page "output into a file is UTF-8, whatever the code page"
exit /b 0
:no_umlaut
call :say "NOT TRIED" code-page "certutil or findstr does not work here"
exit /b 0

:held_file
start "" /b cmd /c "ping -n 20 127.0.0.1 >nul 2>>"%MAIN%""
call :pause 3
rem What is held cannot be renamed.
ren "%MAIN%" httpd.moved >nul 2>&1
if exist "%ROOT%\conf\httpd.moved" goto not_held
call :enable held.example.com --no-test --no-rehearsal
call :pause 20
if not %RC%==16 goto not_waited
call :same "%MAIN%" "%TREE%\before.conf"
call :judge held-file "a file that another program holds ends with status 16 and stays as it is"
exit /b 0
:not_waited
call :say FAIL held-file "a file that another program holds ends with status 16, and not with %RC%"
call :back
exit /b 0
:not_held
ren "%ROOT%\conf\httpd.moved" httpd.conf
call :say "NOT TRIED" held-file "cmd holds no file here"
exit /b 0

:long_path
md "\\?\%LONG%\conf" 2>nul
copy /y "%MAIN%" "\\?\%LONG%\conf\httpd.conf" >nul 2>&1
if not exist "\\?\%LONG%\conf\httpd.conf" goto no_long_path
call :run enable --root "%LONG%" --domain long.example.com --self-signed --port %HTTPS% --http keep --yes --no-test --no-rehearsal
if not %RC%==0 goto long_path_wrong
if not exist "\\?\%LONG%\conf\ssl\long.example.com.key" goto long_path_wrong
call :run disable --root "%LONG%" --yes --no-test
copy /y "\\?\%LONG%\conf\httpd.conf" "%TREE%\after.conf" >nul
call :same "%TREE%\after.conf" "%TREE%\before.conf"
call :judge long-path "a tree behind more than 260 characters: on and off again"
exit /b 0
:long_path_wrong
call :say FAIL long-path "a tree behind more than 260 characters"
exit /b 0
:no_long_path
call :say "NOT TRIED" long-path "cmd makes no folder of that length here"
exit /b 0

:unc_path
set "SHARE=\\localhost\%SystemDrive:~0,1%$\%NAME%\Apache24"
if not exist "%SHARE%\conf\httpd.conf" goto no_share
call :run status --root "%SHARE%"
call :says "%HTTP%"
call :judge unc-path "a server root on a share is read"
exit /b 0
:no_share
call :say "NOT TRIED" unc-path "%SHARE% cannot be reached"
exit /b 0

:junction
mklink /j "%TREE%\junction" "%ROOT%" >nul 2>&1
if not exist "%TREE%\junction\conf\httpd.conf" goto no_junction
call :run status --root "%TREE%\junction"
call :says "%HTTP%"
call :judge junction "a server root behind a junction is read"
rd "%TREE%\junction"
exit /b 0
:no_junction
call :say "NOT TRIED" junction "mklink makes none here"
exit /b 0

rem --- claims about a service, its account and rights

:service
set "SERVICE="
sc create %NAME% binPath= "\"%ROOT%\bin\httpd.exe\" -k runservice" start= demand >nul 2>&1
sc query %NAME% >nul 2>&1
if errorlevel 1 goto no_service
set "SERVICE=yes"
call :run status --root "%ROOT%"
call :says "Runs as"
call :judge service "the service of a server is found, with its account"
exit /b 0
:no_service
call :say "NOT TRIED" service "no service can be made: run this as Administrator"
exit /b 0

rem Are access lists kept here? The group Users has no entry in one without inheritance, and has one once it is given one.
:look_for_lists
set "LISTS="
echo x>"%TREE%\list.txt"
icacls "%TREE%\list.txt" /inheritance:r /grant:r *S-1-5-32-544:F >nul 2>&1
icacls "%TREE%\list.txt" /findsid *S-1-5-32-545 2>nul | find "list.txt" >nul
if not errorlevel 1 exit /b 0
icacls "%TREE%\list.txt" /grant *S-1-5-32-545:R >nul 2>&1
icacls "%TREE%\list.txt" /findsid *S-1-5-32-545 2>nul | find "list.txt" >nul
if not errorlevel 1 set "LISTS=yes"
exit /b 0

:tree_right_below_the_drive
if not defined SERVICE goto without_lists
if not defined LISTS goto without_lists
call :run check --root "%ROOT%" --no-rehearsal --json
call :says "SERVER-WRITABLE"
call :judge writable-tree "check names what every user may change, right below the drive"
for /l %%n in (1,1,4) do call :give_remedies
call :run check --root "%ROOT%" --no-rehearsal --json
call :says "SERVER-WRITABLE"
if errorlevel 1 goto remedied
call :say FAIL remedies "the icacls commands that check prints end that"
exit /b 0
:remedied
call :say PASS remedies "the icacls commands that check prints end that"
exit /b 0
:without_lists
call :say "NOT TRIED" writable-tree "no access lists are kept here, or there is no service"
call :say "NOT TRIED" remedies "no access lists are kept here, or there is no service"
exit /b 0

:give_remedies
call :run check --root "%ROOT%" --no-rehearsal
if exist "%TREE%\remedies.txt" del "%TREE%\remedies.txt"
for /f "usebackq tokens=1,2,* delims=: " %%a in ("%TREE%\out.txt") do if "%%a %%b"=="fix icacls" >>"%TREE%\remedies.txt" echo @icacls %%c
rem What they say of folders of others is for others to do.
find "%TREE%" <"%TREE%\remedies.txt" >"%TREE%\remedies.cmd"
call "%TREE%\remedies.cmd" >nul 2>&1
exit /b 0

rem A task reads as LOCAL SERVICE, to which a new certificate is open and its key is not.
:key_closed
call :enable closed.example.com --no-test --no-rehearsal
echo @type "%KEYS%\closed.example.com.crt" ^>"%TREE%\given\crt" >"%TREE%\task.cmd"
echo @type "%KEYS%\closed.example.com.key" ^>"%TREE%\given\key" >>"%TREE%\task.cmd"
call :task S-1-5-19
if errorlevel 1 goto no_task
find "CERTIFICATE" "%TREE%\given\crt" >nul 2>&1
if errorlevel 1 goto no_task
find "PRIVATE" "%KEYS%\closed.example.com.key" >nul 2>&1
if errorlevel 1 goto no_task
find "PRIVATE" "%TREE%\given\key" >nul 2>&1
if errorlevel 1 goto key_is_closed
call :say FAIL key-closed "another account cannot read a new key"
call :back
exit /b 0
:key_is_closed
call :say PASS key-closed "another account cannot read a new key"
call :back
exit /b 0
:no_task
call :say "NOT TRIED" key-closed "no task runs here as another account"
call :back
exit /b 0

rem Runs task.cmd as an account, which its number names. Error level 1: it did not run.
:task
md "%TREE%\given" 2>nul
icacls "%TREE%\given" /grant *%1:(OI)(CI)M >nul 2>&1
del /q "%TREE%\given\*" 2>nul
echo @echo done ^>"%TREE%\given\done" >>"%TREE%\task.cmd"
>"%TREE%\task.xml" echo ^<?xml version="1.0"?^>
>>"%TREE%\task.xml" echo ^<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task"^>
>>"%TREE%\task.xml" echo ^<Principals^>^<Principal id="a"^>^<UserId^>%1^</UserId^>^</Principal^>^</Principals^>
>>"%TREE%\task.xml" echo ^<Settings^>^<DisallowStartIfOnBatteries^>false^</DisallowStartIfOnBatteries^>^</Settings^>
>>"%TREE%\task.xml" echo ^<Actions Context="a"^>^<Exec^>^<Command^>%ComSpec%^</Command^>
>>"%TREE%\task.xml" echo ^<Arguments^>/c "%TREE%\task.cmd"^</Arguments^>^</Exec^>^</Actions^>^</Task^>
schtasks /create /tn %NAME% /xml "%TREE%\task.xml" /f >nul 2>&1
schtasks /query /tn %NAME% 2>nul | find "%NAME%" >nul
if errorlevel 1 exit /b 1
schtasks /run /tn %NAME% >nul 2>&1
for /l %%n in (1,1,10) do if not exist "%TREE%\given\done" call :pause 3
schtasks /delete /tn %NAME% /f >nul 2>&1
if exist "%TREE%\given\done" exit /b 0
exit /b 1

:service_shows_it
if not defined SERVICE goto no_server
if not defined APACHE goto no_server
call :enable trial.example.com --restart --start
if not %RC%==0 goto not_shown
call :run verify --root "%ROOT%" --domain trial.example.com
if not %RC%==0 goto not_shown
call :run disable --root "%ROOT%" --yes --restart
call :same "%MAIN%" "%TREE%\before.conf"
call :judge service-restart "Apache as a service shows the certificate, and all is as before when it is off again"
sc stop %NAME% >nul 2>&1
call :pause 5
call :back
exit /b 0
:not_shown
call :say FAIL service-restart "Apache as a service shows the certificate"
sc stop %NAME% >nul 2>&1
call :pause 5
call :back
exit /b 0
:no_server
call :say "NOT TRIED" service-restart "give the folder of an Apache, as Administrator"
exit /b 0

:event_log
if not defined SERVICE goto no_events
if not defined APACHE goto no_events
set "WORD=TrialWord%RANDOM%"
echo %WORD% on>"%TREE%\word.txt"
copy /b /y "%TREE%\before.conf" + "%TREE%\word.txt" "%MAIN%" >nul
sc start %NAME% >nul 2>&1
call :pause 6
call :back
wevtutil qe Application /c:20 /rd:true /f:text 2>nul | find "%WORD%" >nul
if errorlevel 1 goto no_events
call :run explain --root "%ROOT%"
call :says "%WORD%"
call :judge event-log "what a service says before its log is open is read from the event log"
exit /b 0
:no_events
call :say "NOT TRIED" event-log "no service wrote an event: give the folder of an Apache, as Administrator"
exit /b 0

rem The name is of no certificate, so that a renewal fails; it is looked for in the event.
:own_event
if not exist "%SystemRoot%\System32\eventcreate.exe" goto no_own_event
set "WORD=trial%RANDOM%.example.com"
call :run renew %WORD% --root "%ROOT%"
wevtutil qe Application /q:"*[System[Provider[@Name='esync-ssl'] and (EventID=110)]]" /c:5 /rd:true /f:text >"%TREE%\out.txt" 2>nul
call :says "%WORD%"
call :judge own-event "a renewal that fails is in the event log, source esync-ssl, number 110"
exit /b 0
:no_own_event
call :say "NOT TRIED" own-event "this Windows has no EventCreate.exe, whose texts viewers show"
exit /b 0

:account_of_the_service
if not defined SERVICE goto no_account
sc config %NAME% obj= "NT AUTHORITY\LocalService" password= "" >nul 2>&1
call :enable account.example.com --no-test --no-rehearsal
echo @type "%KEYS%\account.example.com.key" ^>"%TREE%\given\key" >"%TREE%\task.cmd"
call :task S-1-5-19
sc config %NAME% obj= LocalSystem password= "" >nul 2>&1
if not exist "%TREE%\given\done" goto no_account
find "PRIVATE" "%TREE%\given\key" >nul 2>&1
call :judge account "the account of the service can read its new key"
call :back
exit /b 0
:no_account
call :say "NOT TRIED" account "no service or no task can be made"
call :back
exit /b 0

:virtual_account
if not defined SERVICE goto no_virtual
if not defined LISTS goto no_virtual
sc config %NAME% obj= "NT SERVICE\%NAME%" password= "" >nul 2>&1
call :enable virtual.example.com --no-test --no-rehearsal
icacls "%KEYS%\virtual.example.com.key" /findsid "NT SERVICE\%NAME%" 2>nul | find "virtual.example.com.key" >nul
call :judge virtual-account "a virtual account is given its new key"
sc config %NAME% obj= LocalSystem password= "" >nul 2>&1
call :back
exit /b 0
:no_virtual
call :say "NOT TRIED" virtual-account "no access lists are kept here, or there is no service"
exit /b 0

:scheduler
echo @"%EXE%" status --json --root "%ROOT%" ^>"%TREE%\given\status" >"%TREE%\task.cmd"
call :task S-1-5-18
if errorlevel 1 goto no_scheduler
find "schema" "%TREE%\given\status" >nul 2>&1
call :judge scheduler "a task of the system runs it"
exit /b 0
:no_scheduler
call :say "NOT TRIED" scheduler "no task runs here"
exit /b 0

rem --- consoles and UAC

:not_elevated
if not defined SERVICE goto no_limited
if not exist "%SystemRoot%\System32\runas.exe" goto no_limited
del /q "%TREE%\given\*" 2>nul
icacls "%TREE%\given" /grant *S-1-5-32-545:(OI)(CI)M >nul 2>&1
echo @"%EXE%" restart --root "%ROOT%" --no-rehearsal ^>"%TREE%\given\limited" 2^>^&1 >"%TREE%\limited.cmd"
echo @echo done ^>"%TREE%\given\done" >>"%TREE%\limited.cmd"
runas /trustlevel:0x20000 "%ComSpec% /c %TREE%\limited.cmd" >nul 2>&1
for /l %%n in (1,1,6) do if not exist "%TREE%\given\done" call :pause 3
if not exist "%TREE%\given\done" goto no_limited
copy /y "%TREE%\given\limited" "%TREE%\out.txt" >nul
call :says "Run as administrator"
call :judge not-elevated "who is not elevated is told to start the console as administrator"
exit /b 0
:no_limited
call :say "NOT TRIED" not-elevated "runas starts nothing with fewer rights here"
exit /b 0

:console_closes
start "%NAME%" cmd /c ""%EXE%" enable --root "%ROOT%" --domain console.example.com --self-signed --port %HTTPS% --http keep --no-test --no-rehearsal"
call :pause 6
tasklist /fi "WINDOWTITLE eq %NAME%*" 2>nul | find "cmd.exe" >nul
if errorlevel 1 goto no_window
taskkill /fi "WINDOWTITLE eq %NAME%*" >nul 2>&1
call :pause 8
call :run status --root "%ROOT%"
call :same "%MAIN%" "%TREE%\before.conf"
call :judge console-closes "a console that is closed at the question leaves every byte"
call :back
exit /b 0
:no_window
call :say "NOT TRIED" console-closes "no window of that name is seen"
call :back
exit /b 0

rem --- the end

:clean
sc stop %NAME% >nul 2>&1
call :pause 4
sc delete %NAME% >nul 2>&1
schtasks /delete /tn %NAME% /f >nul 2>&1
netsh advfirewall firewall delete rule name=%NAME% >nul 2>&1
netsh int ipv4 delete excludedportrange protocol=tcp startport=%KEPT% numberofports=1 store=active >nul 2>&1
if exist "%TREE%\letter" for /f "usebackq" %%d in ("%TREE%\letter") do subst %%d /d >nul 2>&1
if exist "%TREE%\junction\" rd "%TREE%\junction"
rd /s /q "\\?\%LONG%" 2>nul
rd /s /q "%TREE%" 2>nul
if exist "%TREE%\" rd /s /q "\\?\%TREE%" 2>nul
if exist "%TREE%\" echo %TREE% could not be removed
exit /b 0

:clean_only
if exist "%TREE%\made-by-the-trial" call :clean
exit /b 0

:no_program
echo There is no %EXE%: name the program as the first argument.
exit /b 2
:not_ours
echo There is a folder %TREE% or a service %NAME% already, and this script did not make it. Nothing was changed.
exit /b 2
:no_folder
echo %TREE% cannot be made. Nothing was changed.
exit /b 2
