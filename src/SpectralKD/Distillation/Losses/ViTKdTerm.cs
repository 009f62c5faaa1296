using TorchSharp.Modules;
using TorchSharp.Utils;

namespace SpectralKD.Distillation;

/// <summary>
/// ViTKD: the tokens of the first two blocks are imitated through linear maps (mimicking); of the last block's normed tokens half are replaced by a learnt token, and
/// a small convolutional generator rebuilds the teacher's from the rest (generation). Sums over tokens and channels, divided by the batch.
/// </summary>
internal sealed class ViTKdTerm(TermSizes sizes, double alpha, double beta, double masked) : DistillationTerm
{
    private readonly ViTKdModule _module = new(sizes);

    /// <summary>The row of the table.</summary>
    public static LossKind Kind { get; } = new()
    {
        Name = "vitkd",
        Compares = "tokens of the first two blocks, and masked tokens of the last rebuilt by a generator",
        Source = "Yang et al. 2022, arXiv 2209.02432; yzd-v/cls_KD, vitkd.py",
        Parameters = "linear maps Cs to Ct where widths differ, a mask token, two 3 x 3 convolutions Ct to Ct",
        Weight = 1,
        Rule = new LayerRule("0, 1 and the last after its final norm", new LayerSelection { Strategy = LayerStrategy.Explicit, Student = [0, 1, -1], Teacher = [0, 1, -1] }, false, NormedMaps.Both),
        Fits = TermFit.SameGrid,
        Arguments =
        [
            LossArgument.Number("alpha", 3e-5, "weight of mimicking"),
            LossArgument.Number("beta", 3e-6, "weight of generation"),
            LossArgument.Number("lambda", 0.5, "share of the tokens that is masked", 0, 1, openLow: true, openHigh: true),
        ],
        Make = (settings, sizes) => new ViTKdTerm(sizes, settings.Number("alpha"), settings.Number("beta"), settings.Number("lambda")),
    };

    public override nn.Module Module => _module;

    public override bool Decays => true;

    public override Tensor Of(TermInputs inputs)
    {
        using var scope = NewDisposeScope();
        var pairs = inputs.Pairs().ToList();
        var random = inputs.Random();
        var (own, other) = pairs[^1];
        var mask = Draw(ref random, (int)own.shape[0], (int)(own.shape[2] * own.shape[3]), masked);
        var mimicking = _module.Mimicking([.. pairs.SkipLast(1)]).Times(alpha);
        return mimicking.Plus(_module.Generation(own, other, mask).Times(beta / masked)).MoveToOuterDisposeScope();
    }

    // Of each image all but floor(N (1 - lambda)) places, in random order; 1 where a token is masked.
    private static float[] Draw(ref CounterRandom random, int batch, int tokens, double masked)
    {
        var (mask, kept) = (new float[batch * tokens], (int)(tokens * (1 - masked)));
        for (var image = 0; image < batch; image++)
        {
            var places = Enumerable.Range(0, tokens).ToArray();
            random.Shuffle(places.AsSpan());
            Array.ForEach(places[kept..], place => mask[(image * tokens) + place] = 1);
        }

        return mask;
    }
}

/// <summary>What ViTKD learns, under its authors' names.</summary>
internal sealed class ViTKdModule : nn.Module
{
    [ComponentName(Name = "align2")]
    private readonly ModuleList<Models.Linear>? _low;

    [ComponentName(Name = "align")]
    private readonly Models.Linear? _high;

    [ComponentName(Name = "mask_token")]
    private readonly Parameter _maskToken;

    [ComponentName(Name = "generation")]
    private readonly ModuleList<nn.Module<Tensor, Tensor>> _generator;

    public ViTKdModule(TermSizes sizes)
        : base(nameof(ViTKdModule))
    {
        var (own, other) = (sizes.Pairs[^1].Student.Channels, sizes.Pairs[^1].Teacher.Channels);
        var same = sizes.Pairs.All(pair => pair.Student.Channels == pair.Teacher.Channels);
        _low = same ? null : nn.ModuleList(sizes.Pairs.SkipLast(1).Select(pair => new Models.Linear(pair.Student.Channels, pair.Teacher.Channels)).ToArray());
        _high = same ? null : new Models.Linear(own, other);
        _maskToken = NewParameter.Zeros(1, 1, other);
        _generator = nn.ModuleList<nn.Module<Tensor, Tensor>>(new Models.Convolution(other, other, 3, padding: 1), nn.ReLU(), new Models.Convolution(other, other, 3, padding: 1));
        RegisterComponents();
        foreach (var (name, parameter) in named_parameters().Where(entry => entry.name != "mask_token"))
        {
            var fan = name.StartsWith("generation", StringComparison.Ordinal) ? 9 * other
                : name.StartsWith("align2", StringComparison.Ordinal) ? sizes.Pairs[int.Parse(name.Split('.')[1], System.Globalization.CultureInfo.InvariantCulture)].Student.Channels : own;
            TermMath.FillUniform(parameter, $"vitkd.{name}", 1 / Math.Sqrt(fan), sizes.Seed);
        }
    }

    /// <summary>Sum of squared differences of the low pairs over tokens and channels, divided by the batch.</summary>
    public Tensor Mimicking(IReadOnlyList<(Tensor Student, Tensor Teacher)> pairs)
    {
        using var scope = NewDisposeScope();
        return TermMath.Sum(pairs.Select((pair, layer) => (Aligned(_low?[layer], pair.Student) - TermMath.Tokens(pair.Teacher)).Squared().sum()))
            .Over(pairs[0].Student.shape[0]).MoveToOuterDisposeScope();
    }

    /// <summary>Sum of squared differences of the rebuilt masked tokens, divided by the batch.</summary>
    /// <param name="student">Normed map <c>[B, Cs, H, W]</c>.</param>
    /// <param name="teacher">Normed map <c>[B, Ct, H, W]</c>.</param>
    /// <param name="mask">1 where a token is masked, image by image.</param>
    public Tensor Generation(Tensor student, Tensor teacher, float[] mask)
    {
        using var scope = NewDisposeScope();
        var (batch, height, width) = (student.shape[0], student.shape[2], student.shape[3]);
        var hidden = tensor(mask, [batch, height * width, 1], device: student.device);
        var tokens = Aligned(_high, student);                                                          // (B, N, Ct)
        var shown = (tokens * hidden.Minus(1).Times(-1)).Plus(_maskToken * hidden);
        var map = shown.transpose(1, 2).reshape(batch, shown.shape[2], height, width);                // (B, Ct, H, W)
        var rebuilt = TermMath.Tokens(_generator.Aggregate(map, (values, layer) => layer.forward(values)));
        return ((rebuilt - TermMath.Tokens(teacher)) * hidden).Squared().sum().Over(batch).MoveToOuterDisposeScope();
    }

    private static Tensor Aligned(Models.Linear? map, Tensor student) => map is null ? TermMath.Tokens(student) : map.forward(TermMath.Tokens(student));
}
