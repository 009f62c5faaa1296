using static TorchSharp.torch;

namespace SpectralKD.Models.Layers;

/// <summary>Turns tokens back into the picture that they came from.</summary>
internal static class TokenGrid
{
    /// <summary>Patch tokens as a feature map: <c>[B, prefix + N, C]</c> to a contiguous <c>[B, C, side, side]</c>.</summary>
    public static Tensor ToMap(Tensor tokens, int prefix, int side)
    {
        using var scope = NewDisposeScope();
        var patches = tokens.narrow(1, prefix, tokens.shape[1] - prefix);                                          // (B, N, C)
        var map = patches.transpose(1, 2).contiguous().view(tokens.shape[0], tokens.shape[2], side, side);         // (B, C, H, W)
        return map.MoveToOuterDisposeScope();
    }
}
