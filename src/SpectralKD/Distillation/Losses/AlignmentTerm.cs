namespace SpectralKD.Distillation;

/// <summary>SpectralKD's alignment (<see cref="AlignmentLoss"/>), whole or of a part of the spectrum. The parts low and high add up to the whole.</summary>
internal sealed class AlignmentTerm(AlignmentForm form, SpectralBand band) : DistillationTerm
{
    private const string Form = "form";
    private const string Band = "band";
    private const string Cutoff = "cutoff";
    private const string Dc = "dc";

    /// <summary>The row of the table.</summary>
    public static LossKind Kind { get; } = new()
    {
        Name = "alignment",
        Compares = "feature maps in the frequency domain, the teacher's channels averaged",
        Source = "SpectralKD, arXiv 2412.19055, losses.py; dc and band are this library's",
        Weight = 0.2,
        WeighsByFamily = true,
        Rule = LayerRule.EndPoints,
        Arguments =
        [
            LossArgument.Choice(Form, "closed-form (no transform), fft, or spatial (the maps themselves)", "closed-form", "fft", "spatial"),
            LossArgument.Switch(Dc, true, "the mean of each channel counts too; without it only the differences between places do"),
            LossArgument.Choice(Band, "which frequencies count: all, low (up to cutoff) or high (above it)", "all", "low", "high"),
            LossArgument.Number(Cutoff, 0.5, "radial frequency that parts low from high, 1 being the highest along a side", 0, Math.Sqrt(2)),
        ],
        Check = settings => settings.Choice(Form) == "spatial" && (settings.Choice(Band) != "all" || !settings.Switch(Dc))
            ? "the form spatial has no frequencies; leave band and dc out, or take another form" : null,
        Fits = pair => pair.Student.Channels > pair.Teacher.Channels && pair.Teacher.Channels != 1
            ? "the teacher needs at least as many channels as the student; choose a wider teacher, or mse, which averages either's" : TermFit.SameGrid(pair),
        Make = (settings, _) => new AlignmentTerm(
            FormOf(settings),
            new SpectralBand(settings.Choice(Band), settings.Number(Cutoff), settings.Switch(Dc))),
    };

    public override Tensor Of(TermInputs inputs)
    {
        return band.IsWhole
            ? AlignmentLoss.Of(inputs.Maps, inputs.TeacherMaps, form)
            : inputs.MeanOverPairs((student, teacher) => band.Distance(student, ChannelPooling.To(student.shape[1], teacher), form));
    }

    private static AlignmentForm FormOf(TermSettings settings) => Enum.Parse<AlignmentForm>(settings.Choice(Form).Replace("-", "", StringComparison.Ordinal), ignoreCase: true);
}

/// <summary>A part of a map's half spectrum.</summary>
/// <param name="Part">all, low (radial frequency up to the cutoff) or high (above it).</param>
/// <param name="Cutoff">Radial frequency as a share of the highest along a side (half a cycle a sample); diagonals reach the root of 2.</param>
/// <param name="Dc">Whether the coefficient of frequency 0 counts.</param>
internal sealed record SpectralBand(string Part, double Cutoff, bool Dc)
{
    /// <summary>True where everything counts.</summary>
    public bool IsWhole => Part == "all" && Dc;

    /// <summary>Mean squared distance over all of the half spectrum's real and imaginary parts, those outside of the band counted as 0.</summary>
    public Tensor Distance(Tensor student, Tensor teacher, AlignmentForm form)
    {
        using var scope = NewDisposeScope();
        if (Part == "all")
        {
            // The coefficient of frequency 0 is the mean over the map: without it is without the mean.
            var (own, other) = (student - student.mean([2, 3], keepdim: true), teacher - teacher.mean([2, 3], keepdim: true));
            return (form == AlignmentForm.Fft ? HalfSpectrumDistance.Transformed(own, other) : HalfSpectrumDistance.ClosedForm(own, other)).MoveToOuterDisposeScope();
        }

        var difference = HalfSpectrumDistance.Spectrum(student) - HalfSpectrumDistance.Spectrum(teacher); // (B, C, H, W/2+1, 2)
        return (difference * Mask(student)).Squared().mean().MoveToOuterDisposeScope();
    }

    // 1 where a coefficient counts, (H, W/2+1, 1).
    private Tensor Mask(Tensor map)
    {
        var (height, width) = (map.shape[2], map.shape[3]);
        var columns = (width / 2) + 1;
        var mask = new float[height * columns];
        for (long row = 0; row < height; row++)
        {
            for (long column = 0; column < columns; column++)
            {
                var (vertical, horizontal) = (2.0 * Math.Min(row, height - row) / height, 2.0 * column / width);
                mask[(row * columns) + column] = Counts(row == 0 && column == 0, Math.Sqrt((vertical * vertical) + (horizontal * horizontal))) ? 1 : 0;
            }
        }

        return tensor(mask, [height, columns, 1], dtype: map.dtype, device: map.device);
    }

    private bool Counts(bool constant, double radius) => (!constant || Dc) && (Part == "low" ? radius <= Cutoff : radius > Cutoff);
}

/// <summary>Mean squared error of the maps themselves, the wider one's channels averaged: the authors' own control for the transform.</summary>
internal sealed class MeanSquareTerm : DistillationTerm
{
    /// <summary>The row of the table.</summary>
    public static LossKind Kind { get; } = new()
    {
        Name = "mse",
        Compares = "feature maps place by place, the wider one's channels averaged",
        Source = "arXiv 2511.15572, training/widelast/losses.py (layer_mse_loss)",
        Weight = 0.2,
        WeighsByFamily = true,
        Rule = LayerRule.EndPoints,
        Fits = TermFit.SameGrid,
        Make = (_, _) => new MeanSquareTerm(),
    };

    public override Tensor Of(TermInputs inputs) => inputs.MeanOverPairs(Layer);

    /// <summary>Of one pair, <c>[B, C, H, W]</c>.</summary>
    public static Tensor Layer(Tensor student, Tensor teacher)
    {
        using var scope = NewDisposeScope();
        var (own, other) = TermMath.Narrowed(student, teacher);
        return (own - other).Squared().mean().MoveToOuterDisposeScope();
    }
}

/// <summary>What keeps maps from being compared, in the words that follow <c>block 3 [C, H, W] cannot be compared with …: </c>.</summary>
internal static class TermFit
{
    /// <summary>Height and width must agree.</summary>
    public static string? SameGrid(LayerPair pair) =>
        (pair.Student.Height, pair.Student.Width) == (pair.Teacher.Height, pair.Teacher.Width) ? null : "height and width must agree";
}
