namespace SpectralKD.Weights;

/// <summary>What a successful load did besides copying, by the model's keys.</summary>
/// <param name="FreshHead">Keys of the head that kept the model's fresh values.</param>
/// <param name="Resized">Keys whose stored tensors were interpolated to the model's image size.</param>
/// <param name="Ignored">Keys of the file that hold nothing a model needs, such as Swin's recomputable index buffers.</param>
public sealed record LoadReport(IReadOnlyList<string> FreshHead, IReadOnlyList<string> Resized, IReadOnlyList<string> Ignored);
