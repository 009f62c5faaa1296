using System.Runtime.InteropServices;
using TorchSharp;

namespace SpectralKD.Interactive.Views;

/// <summary>The torch and the devices of this process.</summary>
/// <param name="Facts">What and its value, in the order of display.</param>
public sealed record DeviceView(IReadOnlyList<(string What, string Value)> Facts) : INotebookView
{
    /// <summary>Looks at the machine.</summary>
    /// <exception cref="SpectralKDException">libtorch is missing; the message says which package to add.</exception>
    public static DeviceView Take()
    {
        var device = Devices.Default;
        var cuda = Devices.HasCuda;
        return new DeviceView(
        [
            ("default device", device.ToString()),
            ("TorchSharp", $"{LibTorchLocator.TorchSharpVersion} (libtorch {torch.__version__})"),
            ("libtorch", LibTorch.Folder ?? "loaded by TorchSharp"),
            ("CPU", $"{Environment.ProcessorCount} cores, {torch.get_num_threads()} torch threads, {RuntimeInformation.ProcessArchitecture}"),
            ("CUDA", cuda ? $"{torch.cuda.device_count()} device(s)" : $"not there. {LibTorchLocator.CudaRemedy}"),
        ]);
    }

    /// <inheritdoc/>
    public string ToHtml() => Table().ToHtml();

    /// <inheritdoc/>
    public string ToPlainText() => Table().ToPlainText();

    private TextTable Table() => Facts.Aggregate(new TextTable("what", "found"), (table, f) => table.Add(f.What, f.Value));
}
