using SpectralKD.Native;
using static TorchSharp.torch;

namespace SpectralKD.Models;

/// <summary>
/// timm 1.0.11's initial weights, from a seed. The distributions are timm's, the numbers are our own: they depend on the seed, the
/// parameter's name and the position only, not on torch's generators, the machine or the number of threads.
/// </summary>
/// <remarks>
/// Linear weights, position embeddings, bias tables and tokens: normal with standard deviation 0.02, cut off at -2 and 2 (absolute
/// bounds, so that the cut is 100 standard deviations away); ViT's class token: standard deviation 1e-6. Patch projection: uniform in
/// +-1/sqrt(fan-in), its bias too (torch's default for convolutions). Norm weights 1, other biases 0, layer scale its initial value.
/// </remarks>
public static class TimmInitialization
{
    private const double Std = 0.02;

    /// <summary>Overwrites all parameters of a model with initial values.</summary>
    /// <param name="model">A model of this library, on any device.</param>
    /// <param name="seed">Any number; the same one gives the same weights everywhere.</param>
    /// <exception cref="SpectralKDException">The model is not one of this library's families.</exception>
    public static void Apply(VisionModel model, long seed)
    {
        LibTorch.EnsureLoaded();
        using var guard = no_grad();
        foreach (var (name, parameter) in model.named_parameters())
        {
            using var scope = NewDisposeScope();
            var values = new float[parameter.NumberOfElements];
            Fill(values, model.Spec, name, parameter.shape, seed);
            parameter.copy_(tensor(values, parameter.shape));
        }
    }

    /// <summary>Draws one parameter's values.</summary>
    internal static void Fill(float[] values, ModelSpec spec, string name, long[] shape, long seed)
    {
        var random = new SeededNormal(seed, name);
        switch (Rule(spec, name, shape))
        {
            case (Distribution.Constant, var value):
                Array.Fill(values, (float)value);
                break;
            case (Distribution.Normal, var std):
                Each(values, i => Math.Clamp(std * random.Normal(i), -2, 2));
                break;
            case (Distribution.Uniform, var bound):
                Each(values, i => bound * ((2 * random.Uniform(i)) - 1));
                break;
        }
    }

    private static (Distribution Kind, double Size) Rule(ModelSpec spec, string name, long[] shape) => name switch
    {
        "cls_token" when spec is VisionTransformerSpec => (Distribution.Normal, 1e-6),
        "patch_embed.proj.weight" or "patch_embed.proj.bias" => (Distribution.Uniform, 1 / Math.Sqrt(PatchInputs(spec))),
        _ when name.EndsWith("gamma", StringComparison.Ordinal) || name.Contains(".gamma_", StringComparison.Ordinal)
            => (Distribution.Constant, LayerScale(spec)),
        _ when name.EndsWith(".bias", StringComparison.Ordinal) => (Distribution.Constant, 0),
        _ when shape.Length == 1 => (Distribution.Constant, 1),
        _ => (Distribution.Normal, Std),
    };

    private static double LayerScale(ModelSpec spec) => spec switch
    {
        VisionTransformerSpec vit => vit.LayerScale ?? 1,
        CaitSpec cait => cait.LayerScale,
        _ => 1,
    };

    private static int PatchInputs(ModelSpec spec)
    {
        var side = spec switch
        {
            VisionTransformerSpec vit => vit.PatchSize,
            CaitSpec cait => cait.PatchSize,
            SwinSpec swin => swin.PatchSize,
            _ => throw new SpectralKDException($"{spec.Name} has no initialisation: it is none of ViT, DeiT, CaiT, Swin."),
        };
        return 3 * side * side;
    }

    private static void Each(float[] values, Func<long, double> draw)
    {
        const int Chunk = 1 << 14;
        Parallel.For(0, (values.Length + Chunk - 1) / Chunk, chunk =>
        {
            var end = Math.Min(values.Length, (chunk + 1) * Chunk);
            for (var i = chunk * Chunk; i < end; i++)
            {
                values[i] = (float)draw(i);
            }
        });
    }

    private enum Distribution
    {
        Constant,
        Normal,
        Uniform,
    }
}
