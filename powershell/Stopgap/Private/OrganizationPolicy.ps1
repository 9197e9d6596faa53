# Returns what a policy file of a feed says, or nothing where it says more than this module writes.
function Read-OrganizationPolicy {
    [CmdletBinding()]
    [OutputType([hashtable])]
    param(
        [AllowEmptyString()]
        [string]$Text
    )
    $policy = @{ Enabled = $true; Blocked = @() }
    foreach ($line in ($Text -split '\r?\n')) {
        if ($line -match '\A\s*(#.*)?\z') { continue }
        if ($line -cmatch '\A\s*enabled\s*=\s*(true|false)\s*(#.*)?\z') {
            $policy.Enabled = $Matches[1] -eq 'true'
            continue
        }
        $list = '\A\s*blocked\s*=\s*\[(\s*"[A-Za-z0-9][A-Za-z0-9._-]*"\s*(,\s*"[A-Za-z0-9][A-Za-z0-9._-]*"\s*)*,?)?\s*\]\s*(#.*)?\z'
        if ($line -cmatch $list) {
            $policy.Blocked = @(foreach ($found in [regex]::Matches([string]$Matches[1], '"([^"]+)"')) { $found.Groups[1].Value })
            continue
        }
        return
    }
    return $policy
}

# Returns a policy file of a feed.
function Format-OrganizationPolicy {
    [CmdletBinding()]
    [OutputType([string])]
    param(
        [bool]$Enabled,
        [string[]]$Blocked
    )
    $switch = if ($Enabled) { 'true' } else { 'false' }
    $ids = @(foreach ($id in @($Blocked | Where-Object { $_ })) { '"' + $id + '"' }) -join ', '
    "enabled = $switch`nblocked = [$ids]`n"
}
