using static TorchSharp.torch;

namespace SpectralKD.Spectra;

/// <summary>Images to analyse, ready for the model. The tensor stays the giver's: it is used until the next batch is asked for.</summary>
/// <param name="Images">Normalised images, floating-point <c>[B, 3, H, W]</c>, on any device.</param>
/// <param name="Name">Name of the image at an index, for messages; null numbers them.</param>
public readonly record struct AnalysisBatch(Tensor Images, Func<int, string>? Name = null);
