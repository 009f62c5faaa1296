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
    private const double BelowTwo = 0.022750131948179207; // of a normal distribution lies below -2

    /// <summary>Overwrites all parameters of a model with initial values.</summary>
    /// <param name="model">A model of this library, on any device.</param>
    /// <param name="seed">Any number; the same one gives the same weights everywhere.</param>
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
        switch (spec.InitialOf(name, shape))
        {
            case (InitialDistribution.Constant, var value):
                Array.Fill(values, (float)value);
                break;
            case (InitialDistribution.Normal, var std):
                Each(values, i => Math.Clamp(std * random.Normal(i), -2, 2));
                break;
            case (InitialDistribution.TruncatedNormal, var std):
                Each(values, i => std * NormalQuantile.At(BelowTwo + (random.Uniform(i) * (1 - (2 * BelowTwo)))));
                break;
            case (InitialDistribution.Uniform, var bound):
                Each(values, i => bound * ((2 * random.Uniform(i)) - 1));
                break;
        }
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
}

/// <summary>How a parameter's initial values are distributed.</summary>
public enum InitialDistribution
{
    /// <summary>One value everywhere.</summary>
    Constant,

    /// <summary>Normal around 0.</summary>
    Normal,

    /// <summary>Uniform around 0.</summary>
    Uniform,

    /// <summary>Normal around 0, of which nothing lies beyond two standard deviations (those before the cut).</summary>
    TruncatedNormal,
}

/// <summary>A parameter's initial values: their distribution, and its value, standard deviation or largest size.</summary>
/// <param name="Distribution">The distribution.</param>
/// <param name="Size">The value, the standard deviation, or the bound in both directions.</param>
public readonly record struct InitialValues(InitialDistribution Distribution, double Size);
