namespace SpectralKD.Interactive.Magic;

/// <summary>Parameters of <c>#!spectral-images</c>.</summary>
internal sealed class ImagesArguments
{
    [MagicParameter(
        "textures, cifar10, or a folder or zip in ImageFolder layout", Implicit = true, Required = true, Value = MagicValue.ImageSource)]
    public string Source { get; set; } = "textures";

    [MagicParameter("how many images to take (textures: 500, others: all)")]
    public int? Count { get; set; }

    [MagicParameter("side of the textures in pixels (64)")]
    public int? Size { get; set; }

    [MagicParameter("how many classes to take (all)")]
    public int? Classes { get; set; }

    [MagicParameter("seed of the textures and of the choice of images")]
    public int Seed { get; set; }

    [MagicParameter("C# variable for the images", Value = MagicValue.NewVariable)]
    public string As { get; set; } = "images";
}

/// <summary>Opens a set of images and shows a contact sheet.</summary>
internal sealed class ImagesCommand : MagicCommand<ImagesArguments>
{
    public override string Name => "#!spectral-images";

    public override string Description => "opens textures, cifar10, a folder or a zip of images; shows a contact sheet";

    public override string Example => "#!spectral-images textures --count 200 --as images";

    protected override async Task RunAsync(ImagesArguments arguments, INotebookHost host, CancellationToken cancellationToken)
    {
        var images = await Task.Run(
            () => ImageSources.Open(arguments.Source, arguments.Count, arguments.Size, arguments.Classes, arguments.Seed),
            cancellationToken);
        await host.SetVariableAsync(arguments.As, images, typeof(IImageSource));
        host.Display(images);
    }
}
