# Returns an object for each mitigation that a decision is about. Running: the command that works on the server
# just now, which begins nothing more of what is blocked.
function ConvertTo-Decision {
    [CmdletBinding()]
    param(
        [string[]]$Ids,
        [string]$Decision,
        [string]$Running,
        $Answer
    )
    foreach ($id in @($Ids | Where-Object { $_ })) {
        $object = [pscustomobject]@{
            PSTypeName = 'Stopgap.Decision'
            Id         = $id
            Decision   = $Decision
            Running    = $Running
            Server     = $Answer.Server
        }
        Add-ComputerName -Object $object -Answer $Answer
    }
}
