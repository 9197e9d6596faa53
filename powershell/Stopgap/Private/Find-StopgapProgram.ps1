# Returns the path of the program. These places are asked, in this order:
#   the path that the module was given; the program of the service; the folder where the installer puts it;
#   PATH, without entries that count from the current folder.
# The functions of this file run on other servers too, so they use nothing of the module.
function Find-StopgapProgram {
    [CmdletBinding()]
    [OutputType([string])]
    param(
        [string]$Named
    )
    # An error ends the search: nothing is started after half a look.
    $ErrorActionPreference = 'Stop'
    if ($Named) {
        if (Test-Path -LiteralPath $Named -PathType Leaf) { return $Named }
        throw "There is no program at $Named."
    }
    $windows = [System.Environment]::OSVersion.Platform -eq 'Win32NT'
    if ($windows) {
        $places = @(Get-InstalledProgram) + @(Get-ProgramOnPath -Name 'stopgap.exe' -Root '^[A-Za-z]:[\\/]')
    } else {
        $places = @('/usr/bin/stopgap', '/usr/local/bin/stopgap') + @(Get-ProgramOnPath -Name 'stopgap' -Root '^/')
    }
    foreach ($place in $places) {
        if (-not (Test-Path -LiteralPath $place -PathType Leaf)) { continue }
        if (-not $windows) { return $place }
        # Whoever can change the program is given the rights of whoever runs this.
        if (Test-OnlyAdministratorsWrite -Path $place) { return $place }
        Write-Warning "$place is not used: accounts other than administrators could change it."
    }
    throw 'The program stopgap is not installed here.'
}

# Returns where the program is by the registry: as the service starts it, and where the installer puts it.
function Get-InstalledProgram {
    [CmdletBinding()]
    [OutputType([string])]
    param()
    # PowerShell may be a program of 32 bits; the service never is.
    $machine = [Microsoft.Win32.RegistryKey]::OpenBaseKey('LocalMachine', 'Registry64')
    try {
        $service = $machine.OpenSubKey('SYSTEM\CurrentControlSet\Services\Stopgap')
        if ($service) {
            $image = [string]$service.GetValue('ImagePath')
            $service.Dispose()
            if ($image -match '\A"(?<path>[A-Za-z]:\\[^"]+\.exe)"' -or $image -match '\A(?<path>[A-Za-z]:\\\S+\.exe)(\s|\z)') {
                $Matches['path']
            }
        }
        $windows = $machine.OpenSubKey('SOFTWARE\Microsoft\Windows\CurrentVersion')
        if ($windows) {
            $programs = [string]$windows.GetValue('ProgramFilesDir')
            $windows.Dispose()
            if ($programs) { Join-Path $programs 'Stopgap\stopgap.exe' }
        }
    } finally {
        $machine.Dispose()
    }
}

# Returns where a program could be by PATH. An entry that is empty or counts from the current folder is left out.
function Get-ProgramOnPath {
    [CmdletBinding()]
    [OutputType([string])]
    param(
        [string]$Name,
        [string]$Root
    )
    foreach ($entry in ([string]$env:PATH).Split([System.IO.Path]::PathSeparator)) {
        $folder = $entry.Trim().Trim('"')
        if ($folder -match $Root) { Join-Path $folder $Name }
    }
}

# Returns whether only SYSTEM, administrators and the installer of Windows can change a file, put another one in
# its folder, or put another folder in the place of one above it.
function Test-OnlyAdministratorsWrite {
    [CmdletBinding()]
    [OutputType([bool])]
    param(
        [string]$Path
    )
    $trusted = @(
        'S-1-5-18'
        'S-1-5-32-544'
        'S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464'
    )
    # Delete, delete a child, change permissions, take ownership, all, write.
    $replace = 0x10000 -bor 0x40 -bor 0x40000 -bor 0x80000 -bor 0x10000000 -bor 0x40000000
    # Write or append to a file, add a file or a folder.
    $write = $replace -bor 0x2 -bor 0x4
    $ErrorActionPreference = 'Stop'
    $level = 0
    $current = $Path
    while ($current) {
        # Further up, everybody may add a folder: that changes nothing of what is there.
        $mask = if ($level -lt 2) { $write } else { $replace }
        $sid = [System.Security.Principal.SecurityIdentifier]
        # What cannot be read is not trusted.
        try { $access = Get-Acl -LiteralPath $current -ErrorAction Stop } catch { return $false }
        if ($trusted -notcontains $access.GetOwner($sid).Value) { return $false }
        foreach ($rule in $access.GetAccessRules($true, $true, $sid)) {
            if ($rule.AccessControlType -ne 'Allow') { continue }
            # What only the children inherit is looked at where they are.
            if ($rule.PropagationFlags -band 2) { continue }
            if ($trusted -contains $rule.IdentityReference.Value) { continue }
            if (([int]$rule.FileSystemRights) -band $mask) { return $false }
        }
        $level++
        $current = [System.IO.Path]::GetDirectoryName($current)
    }
    return $true
}
