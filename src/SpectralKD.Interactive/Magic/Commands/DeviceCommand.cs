using SpectralKD.Interactive.Views;
using SpectralKD.Native;

namespace SpectralKD.Interactive.Magic.Commands;

/// <summary>Parameters of <c>#!spectral-device</c>.</summary>
public sealed class DeviceArguments
{
    /// <summary>The device to use by default from now on.</summary>
    [MagicParameter("device to use from now on: auto, cpu, cuda, cuda:N", Value = MagicValue.Device)]
    public string? Use { get; set; }
}

/// <summary>Shows the devices and the torch that are there, and chooses the default device.</summary>
public sealed class DeviceCommand : MagicCommand<DeviceArguments>
{
    /// <inheritdoc/>
    public override string Name => "#!spectral-device";

    /// <inheritdoc/>
    public override string Description => "shows devices and torch, chooses the default device";

    /// <inheritdoc/>
    public override string Example => "#!spectral-device --use cpu";

    /// <inheritdoc/>
    protected override Task RunAsync(DeviceArguments arguments, INotebookHost host, CancellationToken cancellationToken)
    {
        if (arguments.Use is { } name)
        {
            Devices.Use(name);
        }

        host.Display(DeviceView.Take());
        return Task.CompletedTask;
    }
}
