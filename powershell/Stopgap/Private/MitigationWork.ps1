# Mitigations that came through the pipeline, by the servers that they are on: each server is asked once.

# The most ids on one command line: Windows takes 32,767 characters, and an id has up to 64.
$script:MostIds = 200

# Adds ids to the work for servers.
function Add-MitigationWork {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory = $true)]
        [System.Collections.IDictionary]$Work,

        [string[]]$Id,

        [string[]]$ComputerName
    )
    $names = @($ComputerName | Where-Object { $_ })
    $key = ($names -join ',').ToLowerInvariant()
    if (-not $Work.Contains($key)) {
        $Work[$key] = @{ ComputerName = $names; Ids = New-Object System.Collections.ArrayList }
    }
    foreach ($one in $Id) {
        if ($Work[$key]['Ids'] -notcontains $one) { [void]$Work[$key]['Ids'].Add($one) }
    }
}

# Returns the work in parts of a size that fits on a command line.
function Split-MitigationWork {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory = $true)]
        [System.Collections.IDictionary]$Work
    )
    foreach ($part in @($Work.Values)) {
        $ids = @($part['Ids'])
        for ($at = 0; $at -lt $ids.Count; $at += $script:MostIds) {
            $last = [Math]::Min($at + $script:MostIds, $ids.Count) - 1
            [pscustomobject]@{ ComputerName = $part['ComputerName']; Ids = @($ids[$at..$last]) }
        }
    }
}

# Returns the option that says why, or none.
function Get-ReasonOption {
    [CmdletBinding()]
    [OutputType([string])]
    param(
        [string]$Reason
    )
    # With `=`, so that a text that begins with a dash is no option.
    if ($Reason) { "--reason=$Reason" }
}

# Returns the names of servers, or the name that means this one.
function Get-ServerName {
    [CmdletBinding()]
    [OutputType([string])]
    param(
        [string[]]$ComputerName
    )
    $names = @($ComputerName | Where-Object { $_ })
    if ($names.Count -gt 0) { $names } else { '.' }
}

# Returns what an administrator is asked about, as in "M1 on EX1".
function Get-TargetName {
    [CmdletBinding()]
    [OutputType([string])]
    param(
        [string]$Id,
        [string[]]$ComputerName
    )
    $names = @($ComputerName | Where-Object { $_ })
    $server = if ($names.Count -gt 0) { $names -join ', ' } else { Get-LocalName }
    if ($Id) { "$Id on $server" } else { $server }
}
