/* sekisho's own rules: a few shapes of attack that come by mail and shared drives and that clean office files
 * do not have. No protection by themselves. libclamav takes a subset of YARA: no modules, no single bytes. */

rule Sekisho_VBA_AutoRun_Download
{
	meta:
		description = "an office macro that runs by itself, fetches a file and starts it"
		severity = "high"
	strings:
		$auto1 = "AutoOpen" nocase
		$auto2 = "Auto_Open" nocase
		$auto3 = "Document_Open" nocase
		$auto4 = "Workbook_Open" nocase
		$get1 = "URLDownloadToFile" nocase
		$get2 = "MSXML2.XMLHTTP" nocase
		$get3 = "WinHttp.WinHttpRequest" nocase
		$run1 = "WScript.Shell" nocase
		$run2 = "Shell.Application" nocase
		$run3 = "ShellExecute" nocase
	condition:
		any of ($auto*) and any of ($get*) and any of ($run*)
}

rule Sekisho_PowerShell_Download_Cradle
{
	meta:
		description = "a hidden PowerShell that runs what it downloads"
		severity = "high"
	strings:
		$ps = "powershell" nocase
		$hide1 = "-WindowStyle Hidden" nocase
		$hide2 = "-w hidden" nocase
		$get1 = "DownloadString(" nocase
		$get2 = "DownloadFile(" nocase
		$run1 = "IEX" fullword
		$run2 = "Invoke-Expression" nocase
	condition:
		$ps and any of ($hide*) and any of ($get*) and any of ($run*)
}

rule Sekisho_HTML_Smuggling
{
	meta:
		description = "a page that builds a program from text within it and saves it"
		severity = "high"
	strings:
		$pe = "TVqQAAMAAAAEAAAA"
		$decode = "atob(" nocase
		$save1 = "msSaveOrOpenBlob" nocase
		$save2 = "createObjectURL" nocase
		$blob = "new Blob(" nocase
	condition:
		$pe and $decode and $blob and any of ($save*)
}

rule Sekisho_Script_Drops_Program
{
	meta:
		description = "a Windows script that writes a program out of base64 and starts it"
		severity = "high"
	strings:
		$pe = "TVqQAAMAAAAEAAAA"
		$stream = "ADODB.Stream" nocase
		$run1 = "WScript.Shell" nocase
		$run2 = "Shell.Application" nocase
	condition:
		$pe and $stream and any of ($run*)
}
