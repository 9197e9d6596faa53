# Returns the object that stands for the test of one feed.
function ConvertTo-Connectivity {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory = $true)]
        $Answer,

        [string]$Feed,

        [bool]$Good,

        [string]$Message,

        [string]$Step
    )
    $object = [pscustomobject]@{
        PSTypeName = 'Stopgap.Connectivity'
        Feed       = $Feed
        Result     = if ($Good) { 'Success' } else { 'Failed' }
        Message    = $Message
        Step       = $Step
        Server     = $Answer.Server
    }
    Add-ComputerName -Object $object -Answer $Answer
}
