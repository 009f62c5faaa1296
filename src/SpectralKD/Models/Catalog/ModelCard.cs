using TorchSharp;

namespace SpectralKD.Models;

/// <summary>The facts of a model that a reader wants at one glance. Plain values: how they look is the renderer's business.</summary>
public sealed record ModelCard
{
    /// <summary>timm name without tag.</summary>
    public required string Name { get; init; }

    /// <summary><c>ViT</c>, <c>DeiT</c>, <c>CaiT</c>, <c>Swin</c>, <c>PVT v2</c>, …</summary>
    public required string Family { get; init; }

    /// <summary>Shape of one input image, channels first.</summary>
    public required (int Channels, int Height, int Width) Input { get; init; }

    /// <summary>Rows of the head; 0 for a model without one.</summary>
    public required int Classes { get; init; }

    /// <summary>Parameters, multiply-adds of one image's forward pass, and both for each block.</summary>
    public required ModelFigures Figures { get; init; }

    /// <summary>Parameters that take gradients; 0 for a frozen model.</summary>
    public required long TrainableParameters { get; init; }

    /// <summary>Bytes that the weights take in memory, in the type that they have now.</summary>
    public required long WeightBytes { get; init; }

    /// <summary>Bytes that the feature maps of all blocks take for one image in that type.</summary>
    public required long MapBytes { get; init; }

    /// <summary>Number type of the weights, for example <c>Float32</c>.</summary>
    public required string NumberType { get; init; }

    /// <summary>Where the weights are: <c>cpu</c>, <c>cuda:0</c>.</summary>
    public required string Device { get; init; }

    /// <summary>Where the weights came from.</summary>
    public required ModelOrigin Origin { get; init; }

    /// <summary>Drop path rate in training; 0 for none.</summary>
    public required double DropPathRate { get; init; }

    /// <summary>The model's spec: sizes and preprocessing.</summary>
    public required ModelSpec Spec { get; init; }

    /// <summary>The catalogue's entry of that name (published weights, licence); null for a free configuration.</summary>
    public ModelCatalogEntry? CatalogEntry { get; init; }

    /// <summary>Looks a model over.</summary>
    /// <param name="model">A model of this library.</param>
    /// <exception cref="SpectralKDException">The model is not one of this library's families.</exception>
    public static ModelCard Of(VisionModel model)
    {
        ArgumentNullException.ThrowIfNull(model);
        var (spec, figures) = (model.Spec, model.Spec.Count());
        var weights = model.parameters().ToList();
        var bytes = weights[0].ElementSize;
        return new ModelCard
        {
            Name = spec.Name,
            Family = spec.Family,
            Input = (3, spec.ImageSize.Height, spec.ImageSize.Width),
            Classes = spec.Classes,
            Figures = figures,
            TrainableParameters = weights.Where(weight => weight.requires_grad).Sum(weight => weight.NumberOfElements),
            WeightBytes = weights.Sum(weight => weight.NumberOfElements * weight.ElementSize),
            MapBytes = figures.Blocks.Sum(block => (long)block.Block.Channels * block.Block.Height * block.Block.Width) * bytes,
            NumberType = weights[0].dtype.ToString(),
            Device = DeviceName(weights[0].device),
            Origin = model.Origin,
            DropPathRate = spec.DropPathRate,
            Spec = spec,
            CatalogEntry = ModelCatalog.All.FirstOrDefault(entry => entry.Name == spec.Name),
        };
    }

    private static string DeviceName(Device device) =>
        device.type == DeviceType.CPU ? "cpu" : $"{device.type.ToString().ToLowerInvariant()}:{Math.Max(0, device.index)}";
}
