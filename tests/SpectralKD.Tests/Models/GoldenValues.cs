using System.Text;

namespace SpectralKD.Tests.Models;

/// <summary>The generator of the golden vectors: the same numbers for a name and an index in every language.</summary>
internal static class GoldenValues
{
    public static float[] Generate(string name, long count, double scale, double offset = 0)
    {
        var origin = 0xcbf29ce484222325UL;
        foreach (var unit in Encoding.UTF8.GetBytes(name))
        {
            origin = (origin ^ unit) * 0x100000001b3UL;
        }

        var values = new float[count];
        for (var i = 0L; i < count; i++)
        {
            var z = origin + (ulong)i + 0x9E3779B97F4A7C15UL;
            z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9UL;
            z = (z ^ (z >> 27)) * 0x94D049BB133111EBUL;
            z ^= z >> 31;
            values[i] = (float)((((z >> 40) / 16777216.0) - 0.5) * scale + offset);
        }

        return values;
    }

    /// <summary>A weight of the golden models, by its key and shape.</summary>
    public static float[] Weight(string key, long[] shape)
    {
        var (scale, offset) = key[(key.LastIndexOf('.') + 1)..] switch
        {
            "pos_embed" or "cls_token" or "dist_token" or "relative_position_bias_table" or "reg_token" or "pos_embed_win" or "mask_token" => (0.2, 0.0),
            "gamma_1" or "gamma_2" or "gamma" => (0.05, 0.1),
            "bias" or "q_bias" or "v_bias" => (0.1, 0.0),
            "logit_scale" => (1.0, 2.3),
            _ when shape.Length == 1 => (0.1, 1.0),
            _ => (2 * Math.Sqrt(3.0 / shape.Skip(1).Aggregate(1L, (a, b) => a * b)), 0.0),
        };
        return Generate(key, shape.Aggregate(1L, (a, b) => a * b), scale, offset);
    }
}
