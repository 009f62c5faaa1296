using System.CommandLine;
using SpectralKD.Interactive.Views;

namespace SpectralKD.Cli.Commands;

/// <summary><c>spectralkd device</c>: which torch and which devices are there.</summary>
internal static class DeviceVerb
{
    public static Command Create()
    {
        var command = new Command("device", "Shows the devices and the torch that are there");
        command.SetAction(result => result.InvocationConfiguration.Output.WriteLine(DeviceView.Take().ToPlainText()));
        return command;
    }
}
