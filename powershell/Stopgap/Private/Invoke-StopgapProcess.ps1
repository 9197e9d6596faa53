# Runs the program and returns its exit code and what it printed.
# The functions of this file run on other servers too, so they use nothing of the module.
function Invoke-StopgapProcess {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory = $true)]
        [string]$Program,

        [Parameter(Mandatory = $true)]
        [AllowEmptyString()]
        [string[]]$Argument
    )
    $start = New-Object System.Diagnostics.ProcessStartInfo
    $start.FileName = $Program
    # No shell: nothing but the program's own rules takes the arguments apart.
    $start.UseShellExecute = $false
    $start.CreateNoWindow = $true
    # The folder that an administrator is in may be anybody's.
    $start.WorkingDirectory = [System.IO.Path]::GetDirectoryName($Program)
    $start.RedirectStandardInput = $true
    $start.RedirectStandardOutput = $true
    $start.RedirectStandardError = $true
    # The program writes UTF-8, and Windows PowerShell would read the code page of the console.
    $start.StandardOutputEncoding = New-Object System.Text.UTF8Encoding($false)
    $start.StandardErrorEncoding = New-Object System.Text.UTF8Encoding($false)
    if ($start.PSObject.Properties.Match('ArgumentList').Count -gt 0) {
        foreach ($one in $Argument) { $start.ArgumentList.Add($one) }
    } else {
        # Windows PowerShell has one line of text only.
        $start.Arguments = @(foreach ($one in $Argument) { ConvertTo-NativeArgument -Text $one }) -join ' '
    }
    $process = [System.Diagnostics.Process]::Start($start)
    try {
        $process.StandardInput.Close()
        # Both at once: a full pipe that nobody reads would stop the program.
        $output = $process.StandardOutput.ReadToEndAsync()
        $errors = $process.StandardError.ReadToEndAsync()
        # Short waits let Ctrl+C through. The program is not ended: what it has begun it finishes or rolls back.
        while (-not $process.WaitForExit(200)) { $null = $process.Id }
        [pscustomobject]@{
            ExitCode  = $process.ExitCode
            Output    = $output.Result
            ErrorText = $errors.Result
        }
    } finally {
        $process.Dispose()
    }
}

# Returns an argument as it stands on a command line of Windows, by the rules of CommandLineToArgvW: a backslash
# counts only in front of a quotation mark, and the last ones stand in front of the closing one.
function ConvertTo-NativeArgument {
    [CmdletBinding()]
    [OutputType([string])]
    param(
        [Parameter(Mandatory = $true)]
        [AllowEmptyString()]
        [string]$Text
    )
    if ($Text -match '\A[^\s"]+\z') { return $Text }
    $escaped = [regex]::Replace($Text, '(\\*)"', '$1$1\"')
    $escaped = [regex]::Replace($escaped, '(\\+)\z', '$1$1')
    return '"' + $escaped + '"'
}
