namespace SpectralKD.Models;

/// <summary>One block (ViT, CaiT) or stage (Swin) of a model whose feature map can be asked for.</summary>
/// <param name="Index">0-based position, as in timm's <c>forward_intermediates(indices=…)</c>.</param>
/// <param name="Name">timm's module path, for example <c>blocks.3</c> or <c>layers.1</c>.</param>
/// <param name="Channels">Channels C of its feature map <c>[B, C, H, W]</c>.</param>
/// <param name="Height">Rows H of its feature map at the model's own image size.</param>
/// <param name="Width">Columns W of its feature map at the model's own image size.</param>
public sealed record BlockInfo(int Index, string Name, int Channels, int Height, int Width);
