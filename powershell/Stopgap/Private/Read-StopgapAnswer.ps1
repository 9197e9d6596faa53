# The version of the schema that this module reads. Within it, names are added and never changed.
$script:KnownSchema = 1

# Returns the object that the program printed. What is an error becomes one of the calling function.
function Read-StopgapAnswer {
    [CmdletBinding()]
    param(
        # What Invoke-StopgapProcess returned.
        [Parameter(Mandatory = $true)]
        $Run,

        [Parameter(Mandatory = $true)]
        [System.Management.Automation.PSCmdlet]$Caller,

        # The server, if it is another one than this.
        [string]$Server
    )
    $text = ([string]$Run.Output).Trim()
    $told = ([string]$Run.ErrorText).Trim()
    $where = if ($Server) { "${Server}: " } else { '' }
    if (-not $text.StartsWith('{')) {
        # A command line that it does not know is told as text.
        if (-not $told) { $told = "stopgap ended with code $($Run.ExitCode) and said nothing." }
        $Caller.WriteError((New-StopgapError -Message ($where + $told) -ExitCode $Run.ExitCode -Target $Server))
        return
    }
    foreach ($line in ($told -split '\r?\n')) {
        if ($line.Trim()) { $Caller.WriteWarning($where + $line.Trim()) }
    }
    $jsonError = ConvertFrom-StopgapJson -Text $text
    if ($jsonError.schema -ne $script:KnownSchema) {
        $message = "${where}the program is newer than this module (schema $($jsonError.schema)): install the module that came with it."
        $Caller.WriteError((New-StopgapError -Message $message -Code 'newer-schema' -Target $Server))
        return
    }
    if ($jsonError.error) {
        $fault = @{
            Message  = $where + $jsonError.error
            Hint     = $jsonError.hint
            ExitCode = $jsonError.exit
            Target   = $Server
        }
        $Caller.WriteError((New-StopgapError @fault))
        return
    }
    $jsonError
}

# Returns an object from JSON.
function ConvertFrom-StopgapJson {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory = $true)]
        [string]$Text
    )
    # ConvertFrom-Json of Windows PowerShell refuses a text of more than 2,097,152 characters.
    if ($PSVersionTable.PSEdition -eq 'Core' -or $Text.Length -lt 2000000) {
        return ConvertFrom-Json -InputObject $Text
    }
    Add-Type -AssemblyName System.Web.Extensions
    $reader = New-Object System.Web.Script.Serialization.JavaScriptSerializer
    $reader.MaxJsonLength = [int]::MaxValue
    $value = $reader.DeserializeObject($Text)
    return ConvertFrom-Dictionary -Value $value
}

# Returns dictionaries as the objects that ConvertFrom-Json makes.
function ConvertFrom-Dictionary {
    [CmdletBinding()]
    param(
        $Value
    )
    if ($Value -is [System.Collections.IDictionary]) {
        $properties = [ordered]@{}
        foreach ($key in $Value.Keys) { $properties[$key] = ConvertFrom-Dictionary -Value $Value[$key] }
        return [pscustomobject]$properties
    }
    if ($Value -is [array]) {
        $items = @(foreach ($item in $Value) { ConvertFrom-Dictionary -Value $item })
        # The comma keeps a list of one a list.
        return , $items
    }
    return $Value
}

# Returns a time in UTC. PowerShell 7 has made it a time already, Windows PowerShell leaves it a text.
function ConvertTo-Time {
    [CmdletBinding()]
    [OutputType([datetime])]
    param(
        $Value
    )
    if ($Value -is [datetime]) { return $Value.ToUniversalTime() }
    if (-not $Value) { return $null }
    # .NET keeps seven digits of a second.
    $text = ([string]$Value) -replace '(\.\d{7})\d+', '$1'
    $culture = [System.Globalization.CultureInfo]::InvariantCulture
    $style = [System.Globalization.DateTimeStyles]::AssumeUniversal
    return [System.DateTimeOffset]::Parse($text, $culture, $style).UtcDateTime
}
