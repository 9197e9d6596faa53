# Runs one command of the program on this server or on others, and returns an object for each server:
# Server (its name), ComputerName (empty for this one), Json (what the program printed).
# A server where the command failed gives an error of the calling function instead.
function Invoke-Stopgap {
    [CmdletBinding()]
    param(
        # The command, as in `stopgap COMMAND`.
        [Parameter(Mandatory = $true)]
        [string]$Command,

        # Its options; one with a value is `--name=value`.
        [string[]]$Option = @(),

        # The ids of mitigations, which were checked before.
        [string[]]$Id = @(),

        [string[]]$ComputerName = @(),

        # The calling function, whose errors and warnings these are.
        [Parameter(Mandatory = $true)]
        [System.Management.Automation.PSCmdlet]$Caller
    )
    $arguments = @('--json', $Command) + @($Option | Where-Object { $_ })
    $ids = @($Id | Where-Object { $_ })
    # Nothing behind `--` is taken for an option.
    if ($ids.Count -gt 0) { $arguments += @('--') + $ids }

    $remote = @()
    $local = $false
    foreach ($name in @($ComputerName | Where-Object { $_ } | Select-Object -Unique)) {
        if (Test-LocalName -Name $name) { $local = $true } else { $remote += $name }
    }
    if ($local -or $remote.Count -eq 0) {
        $run = $null
        try {
            $run = Invoke-StopgapHere -Argument $arguments
        } catch {
            $Caller.WriteError((New-StopgapError -Message $_.Exception.Message -Code 'not-run'))
        }
        if ($run) {
            $answer = Read-StopgapAnswer -Run $run -Caller $Caller
            if ($answer) {
                [pscustomobject]@{ Server = Get-LocalName; ComputerName = ''; Json = $answer }
            }
        }
    }
    if ($remote.Count -gt 0) {
        $there = @{
            ComputerName  = $remote
            ScriptBlock   = Get-RemoteScript
            ArgumentList  = @(, $arguments)
            ErrorAction   = 'SilentlyContinue'
            ErrorVariable = 'unreachable'
        }
        foreach ($run in @(Invoke-Command @there)) {
            $server = [string]$run.PSComputerName
            $answer = Read-StopgapAnswer -Run $run -Caller $Caller -Server $server
            if ($answer) {
                [pscustomobject]@{ Server = $server; ComputerName = $server; Json = $answer }
            }
        }
        foreach ($record in $unreachable) {
            # What PowerShell says of a server that cannot be reached is left as it is.
            if ($record.FullyQualifiedErrorId -like '*PSSession*') {
                $Caller.WriteError($record)
            } else {
                $message = "$($record.OriginInfo.PSComputerName): $($record.Exception.Message)"
                $Caller.WriteError((New-StopgapError -Message $message -Code 'not-run'))
            }
        }
    }
}

# Runs the program on this server, with the options that the module was given.
function Invoke-StopgapHere {
    [CmdletBinding()]
    param(
        [string[]]$Argument
    )
    $arguments = @()
    if ($script:Settings['Root']) { $arguments += "--root=$($script:Settings['Root'])" }
    if ($script:Settings['State']) { $arguments += "--state=$($script:Settings['State'])" }
    if ($script:Settings['Policy']) { $arguments += "--policy=$($script:Settings['Policy'])" }
    $program = Find-StopgapProgram -Named $script:Settings['Program']
    Invoke-StopgapProcess -Program $program -Argument ($arguments + $Argument)
}

# Returns what runs the program on another server: functions of this module, and no text from anywhere else.
# The arguments travel beside it, as data. Only the program has to be installed there.
function Get-RemoteScript {
    [CmdletBinding()]
    [OutputType([scriptblock])]
    param()
    $names = @(
        'Find-StopgapProgram'
        'Get-InstalledProgram'
        'Get-ProgramOnPath'
        'Test-OnlyAdministratorsWrite'
        'Invoke-StopgapProcess'
        'ConvertTo-NativeArgument'
    )
    $lines = @('$ErrorActionPreference = "Stop"')
    $lines += foreach ($name in $names) {
        "function $name {"
        (Get-Command -Name $name -CommandType Function).Definition
        '}'
    }
    $lines += 'Invoke-StopgapProcess -Program (Find-StopgapProgram) -Argument $args[0]'
    [scriptblock]::Create($lines -join "`n")
}

# Returns whether a name means this machine, so that no remoting is needed.
function Test-LocalName {
    [CmdletBinding()]
    [OutputType([bool])]
    param(
        [string]$Name
    )
    @('.', 'localhost', [System.Environment]::MachineName) -contains $Name
}

# Returns the name of this server: of the machine, or the folder that the module was given.
function Get-LocalName {
    [CmdletBinding()]
    [OutputType([string])]
    param()
    if ($script:Settings['Root']) { return [string]$script:Settings['Root'] }
    return [System.Environment]::MachineName
}
