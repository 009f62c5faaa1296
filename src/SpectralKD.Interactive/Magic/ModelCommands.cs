namespace SpectralKD.Interactive.Magic;

/// <summary>Parameters of <c>#!spectral-device</c>.</summary>
internal sealed class DeviceArguments
{
    [MagicParameter("device to use from now on: auto, cpu, cuda, cuda:N", Value = MagicValue.Device)]
    public string? Use { get; set; }
}

/// <summary>Shows the devices and the torch that are there, and chooses the default device.</summary>
internal sealed class DeviceCommand : MagicCommand<DeviceArguments>
{
    public override string Name => "#!spectral-device";

    public override string Description => "shows devices and torch, chooses the default device";

    public override string Example => "#!spectral-device --use cpu";

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

/// <summary>Parameters of <c>#!spectral-models</c>.</summary>
internal sealed class ModelsArguments
{
    [MagicParameter("part of a name, a family or a tag, or a pattern as timm's: vit_*, *dino*", Implicit = true)]
    public string? Filter { get; set; }

    [MagicParameter("only models that have weights")]
    public bool Pretrained { get; set; }
}

/// <summary>Shows the catalogue of models.</summary>
internal sealed class ModelsCommand : MagicCommand<ModelsArguments>
{
    public override string Name => "#!spectral-models";

    public override string Description => "the catalogue: name, family, parameters, blocks, input size, weights source";

    public override string Example => "#!spectral-models deit";

    protected override Task RunAsync(ModelsArguments arguments, INotebookHost host, CancellationToken cancellationToken)
    {
        host.Display(CatalogueView.Of(arguments.Filter, arguments.Pretrained));
        return Task.CompletedTask;
    }
}

/// <summary>Parameters of <c>#!spectral-model</c>.</summary>
internal sealed class ModelArguments
{
    [MagicParameter("timm name, for example deit_tiny_patch16_224", Implicit = true, Required = true, Value = MagicValue.ModelName)]
    public string Name { get; set; } = "";

    [MagicParameter("pretrained, seeded[:n], or a .safetensors, .pth, .pt, .ckpt or .dat file (#ema or #plain after its path: averaged or last weights)", Value = MagicValue.Weights)]
    public string Weights { get; set; } = "pretrained";

    [MagicParameter("C# variable for the model", Value = MagicValue.NewVariable)]
    public string As { get; set; } = "model";

    [MagicParameter("number of classes, where it differs from the weights' the head is made afresh")]
    public int? Classes { get; set; }

    [MagicParameter("side of the input images in pixels, or height x width such as 224x160 (the model's own)")]
    public string? ImageSize { get; set; }

    [MagicParameter("side of the attention windows in patches, for Swin (the model's own)")]
    public int? Window { get; set; }

    [MagicParameter("auto, cpu, cuda, cuda:N (what #!spectral-device chose)", Value = MagicValue.Device)]
    public string? Device { get; set; }
}

/// <summary>Loads a model into a variable and shows its card.</summary>
internal sealed class ModelCommand : MagicCommand<ModelArguments>
{
    public override string Name => "#!spectral-model";

    public override string Description => "loads a model by its timm name, shows its card";

    public override string Example => "#!spectral-model deit_tiny_patch16_224 --weights seeded --as model";

    protected override async Task RunAsync(ModelArguments arguments, INotebookHost host, CancellationToken cancellationToken)
    {
        var progress = new ProgressDisplay(host, $"downloading {arguments.Name}", "MB");
        var model = await ModelLoader.LoadAsync(
            arguments.Name,
            new ModelLoadOptions
            {
                Weights = arguments.Weights,
                Classes = arguments.Classes,
                ImageSize = arguments.ImageSize is { } size ? ImageSize.Parse(size) : null,
                WindowSize = arguments.Window,
                Device = Devices.Parse(arguments.Device),
            },
            new Progress<DownloadProgress>(p => progress.Report(p.BytesDone >> 20, (p.BytesTotal ?? 0) >> 20)),
            cancellationToken);
        await host.SetVariableAsync(arguments.As, model, typeof(VisionModel));
        host.Display(model);
    }
}
