using System.Runtime.InteropServices;
using SpectralKD.Notebook.Session.Cells;

namespace SpectralKD.Notebook.Session.Commands;

/// <summary><c>#!about</c>: the version of this host.</summary>
internal sealed class AboutCommand : SessionCommand
{
    public override string Name => "#!about";

    public override string Description => "shows the version of this notebook host";

    public override bool TakesMore => false;

    public override Task RunAsync(string rest, CellProgram program)
    {
        program.Write(string.Join(
            Environment.NewLine,
            $"SpectralKD.Interactive {typeof(AboutCommand).Assembly.GetName().Version?.ToString(3)}, a C# notebook host of its own",
            $"{RuntimeInformation.FrameworkDescription} on {RuntimeInformation.OSDescription}, {RuntimeInformation.ProcessArchitecture}",
            $"#!spectral-device says what it computes on, #!lsmagic what it can do{Environment.NewLine}"));
        return Task.CompletedTask;
    }
}
