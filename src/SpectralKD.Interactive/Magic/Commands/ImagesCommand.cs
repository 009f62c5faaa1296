using SpectralKD.Data;

namespace SpectralKD.Interactive.Magic.Commands;

/// <summary>Parameters of <c>#!spectral-images</c>.</summary>
public sealed class ImagesArguments
{
    /// <summary>What to open.</summary>
    [MagicParameter(
        "textures, cifar10, or a folder or zip in ImageFolder layout", Implicit = true, Required = true, Value = MagicValue.ImageSource)]
    public string Source { get; set; } = "textures";

    /// <summary>How many images to take.</summary>
    [MagicParameter("how many images to take (textures: 500, others: all)")]
    public int? Count { get; set; }

    /// <summary>Side of the textures in pixels.</summary>
    [MagicParameter("side of the textures in pixels (64)")]
    public int? Size { get; set; }

    /// <summary>How many classes to take.</summary>
    [MagicParameter("how many classes to take (all)")]
    public int? Classes { get; set; }

    /// <summary>Seed of the textures and of the choice of images.</summary>
    [MagicParameter("seed of the textures and of the choice of images")]
    public int Seed { get; set; }

    /// <summary>Variable for the images.</summary>
    [MagicParameter("C# variable for the images", Value = MagicValue.NewVariable)]
    public string As { get; set; } = "images";
}

/// <summary>Opens a set of images and shows a contact sheet.</summary>
public sealed class ImagesCommand : MagicCommand<ImagesArguments>
{
    /// <inheritdoc/>
    public override string Name => "#!spectral-images";

    /// <inheritdoc/>
    public override string Description => "opens textures, cifar10, a folder or a zip of images; shows a contact sheet";

    /// <inheritdoc/>
    public override string Example => "#!spectral-images textures --count 200 --as images";

    /// <inheritdoc/>
    protected override async Task RunAsync(ImagesArguments arguments, INotebookHost host, CancellationToken cancellationToken)
    {
        var images = await Task.Run(
            () => ImageSources.Open(arguments.Source, arguments.Count, arguments.Size, arguments.Classes, arguments.Seed),
            cancellationToken);
        await host.SetVariableAsync(arguments.As, images, typeof(IImageSource));
        host.Display(images);
    }
}
