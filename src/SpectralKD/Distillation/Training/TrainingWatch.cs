using SpectralKD.Spectra;

namespace SpectralKD.Distillation;

/// <summary>Notices what a user should know about a run while it goes on.</summary>
internal static class TrainingWatch
{
    /// <summary>Steps over which the terms are compared.</summary>
    public const int Steps = 10;

    /// <summary>A warning where the alignment term outweighs KD over the first steps; else null.</summary>
    public static string? Balance(LossValues means) =>
        means.Alignment is { } alignment && means.Logits is { } logits && alignment > logits
            ? FormattableString.Invariant(
                $"the alignment term ({alignment:0.###}) outweighs KD ({logits:0.###}) over the first {Steps} steps: lower beta or w_fft")
                + FormattableString.Invariant($" (at {logits / alignment:0.##} times the present weight they would be equal)")
            : null;

    /// <summary>A warning where the teacher's spectra do not single out the first and last blocks; else null.</summary>
    public static string? Shape(ModelSpectrum teacher) => teacher.UShape.Warning is { } warning
        ? $"the teacher {teacher.Title} over {teacher.Source}: {teacher.UShape.Words}; {warning}"
        : null;
}
