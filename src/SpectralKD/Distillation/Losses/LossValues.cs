using System.Globalization;

namespace SpectralKD.Distillation;

/// <summary>The weighed terms of a loss as numbers.</summary>
/// <param name="Labels">Labels (<c>loss_base</c>).</param>
/// <param name="Alignment">Alignment (<c>loss_fft</c>); null where no maps are aligned.</param>
/// <param name="Logits">KD (<c>loss_dist</c>); null where the method has none.</param>
public readonly record struct LossValues(double Labels, double? Alignment, double? Logits)
{
    /// <summary>The sum of the terms.</summary>
    public double Total => Labels + (Alignment ?? 0) + (Logits ?? 0);

    /// <summary>True if every term is a finite number.</summary>
    public bool IsFinite => double.IsFinite(Total);

    /// <summary>The terms in words: <c>labels 0.29, alignment 0.36, KD 0.71</c>.</summary>
    public override string ToString() => string.Join(", ", new (string Name, double? Value)[] { ("labels", Labels), ("alignment", Alignment), ("KD", Logits) }
        .Where(term => term.Value is not null)
        .Select(term => term.Name + " " + term.Value!.Value.ToString("0.####", CultureInfo.InvariantCulture)));
}
