# Returns a mitigation as a row of a table.
function ConvertTo-Row {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory = $true)]
        $Mitigation
    )
    [pscustomobject][ordered]@{
        Server      = ConvertTo-Cell -Text $Mitigation.Server
        Id          = ConvertTo-Cell -Text $Mitigation.Id
        Type        = ConvertTo-Cell -Text (@($Mitigation.Type) -join '; ')
        Description = ConvertTo-Cell -Text $Mitigation.Description
        Status      = ConvertTo-Cell -Text $Mitigation.Status
        Blocked     = [string]$Mitigation.Blocked
        Reason      = ConvertTo-Cell -Text $Mitigation.Reason
        ReasonCodes = ConvertTo-Cell -Text (@($Mitigation.ReasonCodes) -join '; ')
        Revision    = [string]$Mitigation.Revision
        Hash        = ConvertTo-Cell -Text $Mitigation.Hash
        Source      = ConvertTo-Cell -Text $Mitigation.Source
        Rules       = ConvertTo-Cell -Text (@($Mitigation.Rules) -join '; ')
        InPlace     = ConvertTo-Cell -Text (@($Mitigation.InPlace) -join '; ')
    }
}

# Returns a text that no spreadsheet takes for a formula.
function ConvertTo-Cell {
    [CmdletBinding()]
    [OutputType([string])]
    param(
        [AllowEmptyString()]
        [string]$Text
    )
    if ($Text -match '\A[=+\-@\t\r]') { return "'" + $Text }
    return $Text
}
