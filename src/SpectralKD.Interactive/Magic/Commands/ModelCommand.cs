using SpectralKD.Models;
using SpectralKD.Native;
using SpectralKD.Weights;

namespace SpectralKD.Interactive.Magic.Commands;

/// <summary>Parameters of <c>#!spectral-model</c>.</summary>
public sealed class ModelArguments
{
    /// <summary>timm name of the model.</summary>
    [MagicParameter("timm name, for example deit_tiny_patch16_224", Implicit = true, Required = true, Value = MagicValue.ModelName)]
    public string Name { get; set; } = "";

    /// <summary>Where the weights come from.</summary>
    [MagicParameter("pretrained, seeded[:n], or a .safetensors, .pth, .pt, .ckpt or .dat file (#ema or #plain after its path: averaged or last weights)", Value = MagicValue.Weights)]
    public string Weights { get; set; } = "pretrained";

    /// <summary>Variable for the model.</summary>
    [MagicParameter("C# variable for the model", Value = MagicValue.NewVariable)]
    public string As { get; set; } = "model";

    /// <summary>Number of classes where it differs from the weights': the head is made afresh.</summary>
    [MagicParameter("number of classes, where it differs from the weights' the head is made afresh")]
    public int? Classes { get; set; }

    /// <summary>Side of the input images in pixels.</summary>
    [MagicParameter("side of the input images in pixels (the model's own)")]
    public int? ImageSize { get; set; }

    /// <summary>Device to put the model on.</summary>
    [MagicParameter("auto, cpu, cuda, cuda:N (what #!spectral-device chose)", Value = MagicValue.Device)]
    public string? Device { get; set; }
}

/// <summary>Loads a model into a variable and shows its card.</summary>
public sealed class ModelCommand : MagicCommand<ModelArguments>
{
    /// <inheritdoc/>
    public override string Name => "#!spectral-model";

    /// <inheritdoc/>
    public override string Description => "loads a model by its timm name, shows its card";

    /// <inheritdoc/>
    public override string Example => "#!spectral-model deit_tiny_patch16_224 --weights seeded --as model";

    /// <inheritdoc/>
    protected override async Task RunAsync(ModelArguments arguments, INotebookHost host, CancellationToken cancellationToken)
    {
        var progress = new ProgressDisplay(host, $"downloading {arguments.Name}", "MB");
        var model = await ModelLoader.LoadAsync(
            arguments.Name,
            new ModelLoadOptions
            {
                Weights = arguments.Weights,
                Classes = arguments.Classes,
                ImageSize = arguments.ImageSize,
                Device = Devices.Parse(arguments.Device),
            },
            new Progress<DownloadProgress>(p => progress.Report(p.BytesDone >> 20, (p.BytesTotal ?? 0) >> 20)),
            cancellationToken);
        await host.SetVariableAsync(arguments.As, model, typeof(VisionModel));
        host.Display(model);
    }
}
