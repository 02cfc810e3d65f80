@echo off
rem Switches the Apache of this machine to HTTPS without questions, by answers.toml beside this file. For software
rem distribution: run it as Administrator or SYSTEM. The exit status is that of esync-ssl; 0 is done, or nothing to do.
rem
rem   unattended.cmd [PATH OF esync-ssl.exe]
setlocal
set "EXE=%~1"
if "%EXE%"=="" if exist "%~dp0..\esync-ssl.exe" set "EXE=%~dp0..\esync-ssl.exe"
if "%EXE%"=="" set "EXE=esync-ssl.exe"
set "LOG=%TEMP%\esync-ssl.log"

rem Tell first what would be done. Status 3: something would; 0: all is as it should be.
"%EXE%" enable --answers "%~dp0answers.toml" --dry-run --exit-code >"%LOG%" 2>&1
if %ERRORLEVEL%==0 goto done
if not %ERRORLEVEL%==3 goto failed
"%EXE%" enable --answers "%~dp0answers.toml" --yes --restart >>"%LOG%" 2>&1
if not %ERRORLEVEL%==0 goto failed

:done
echo Done. %LOG% says what was done.
exit /b 0

:failed
set "STATUS=%ERRORLEVEL%"
echo esync-ssl ended with status %STATUS%; %LOG% says why.
exit /b %STATUS%
