using System.CommandLine;
using System.Globalization;
using SpectralKD.Cli;

// Figures, files and messages are the same in every country.
CultureInfo.CurrentCulture = CultureInfo.DefaultThreadCurrentCulture = CultureInfo.InvariantCulture;
LibTorch.InstallResolver(); // whatever uses torch first, it is our libtorch that is found
using var signals = new StopSignals();
var code = await CommandLine.RunAsync(args, new InvocationConfiguration { EnableDefaultExceptionHandler = false }, signals);
if (signals.ExitCode is { } stopped)
{
    ProcessEnd.AfterStop(code == CommandLine.Stopped ? stopped : code);
}

return code;
