using System.CommandLine;
using System.Globalization;
using SpectralKD.Cli;

// Figures, files and messages are the same in every country.
CultureInfo.CurrentCulture = CultureInfo.DefaultThreadCurrentCulture = CultureInfo.InvariantCulture;
return await CommandLine.RunAsync(args, new InvocationConfiguration { EnableDefaultExceptionHandler = false });
