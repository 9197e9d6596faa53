function Set-MitigationOrganization {
    <#
    .SYNOPSIS
        Writes the policy that holds for all servers of the organisation, to be published in its feed.

    .DESCRIPTION
        The counterpart of Set-OrganizationConfig -MitigationsEnabled. Stopgap keeps nothing in Active Directory:
        the organisation's word is a file, policy.toml, in the feed that its servers follow. This writes that file.
        It has effect when it was signed and published, with the three commands in NextSteps, and each server has
        fetched it (docs/feed.md).

        What is not given stays as the file has it. A file that says more than enabled and blocked, or says it in
        another form, is not touched.

    .PARAMETER Path
        The file, named policy.toml.

    .PARAMETER MitigationsEnabled
        $false: nothing is applied or withdrawn on any server, and what is in place stays.

    .PARAMETER MitigationsBlocked
        The ids of all mitigations that no server may apply. @() is none.

    .EXAMPLE
        Set-MitigationOrganization -Path .\policy.toml -MitigationsEnabled $false

        Writes the file that switches automatic mitigation off everywhere.

    .EXAMPLE
        Set-MitigationOrganization -Path .\policy.toml -MitigationsBlocked M2

        Writes the file that blocks M2 everywhere.

    .OUTPUTS
        Stopgap.OrganizationPolicy

    .LINK
        Get-MitigationOrganization
    #>
    [CmdletBinding(SupportsShouldProcess = $true)]
    [OutputType('Stopgap.OrganizationPolicy')]
    param(
        [Parameter(Mandatory = $true, Position = 0)]
        [ValidateNotNullOrEmpty()]
        [string]$Path,

        [bool]$MitigationsEnabled,

        [AllowEmptyCollection()]
        [ValidatePattern('\A[A-Za-z0-9][A-Za-z0-9._-]{0,63}\z')]
        [string[]]$MitigationsBlocked
    )
    $file = $PSCmdlet.GetUnresolvedProviderPathFromPSPath($Path)
    if ([System.IO.Path]::GetFileName($file) -ne 'policy.toml') {
        $PSCmdlet.WriteError((New-StopgapError -Message "The file of a feed's policy is named policy.toml, not $file." -ExitCode 2 -Target $file))
        return
    }
    $policy = @{ Enabled = $true; Blocked = @() }
    if (Test-Path -LiteralPath $file) {
        $policy = Read-OrganizationPolicy -Text ([System.IO.File]::ReadAllText($file))
        if (-not $policy) {
            $message = "$file says more than 'enabled' and 'blocked', or says it in another form."
            $PSCmdlet.WriteError((New-StopgapError -Message $message -Hint 'change it with an editor' -ExitCode 2 -Target $file))
            return
        }
    }
    if ($PSBoundParameters.ContainsKey('MitigationsEnabled')) { $policy.Enabled = $MitigationsEnabled }
    if ($PSBoundParameters.ContainsKey('MitigationsBlocked')) {
        $policy.Blocked = @($MitigationsBlocked | Where-Object { $_ } | Select-Object -Unique)
    }
    if ($PSCmdlet.ShouldProcess($file, 'Write the policy of the organisation')) {
        $text = Format-OrganizationPolicy -Enabled $policy.Enabled -Blocked $policy.Blocked
        # TOML is UTF-8 without a byte order mark.
        [System.IO.File]::WriteAllText($file, $text, (New-Object System.Text.UTF8Encoding($false)))
        [pscustomobject]@{
            PSTypeName         = 'Stopgap.OrganizationPolicy'
            MitigationsEnabled = [bool]$policy.Enabled
            MitigationsBlocked = @($policy.Blocked)
            Path               = $file
            NextSteps          = @(
                "stopgap-publish --dir FEED add `"$file`""
                'stopgap-publish --dir FEED sign targets --key KEY'
                'stopgap-publish --dir FEED publish FOLDER'
            )
        }
    }
}
