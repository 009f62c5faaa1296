using System.Collections.Immutable;
using System.Diagnostics;
using Microsoft.Data.Analysis;

namespace SpectralKD.Spectra;

/// <summary>
/// Two models side by side: what each block of a student has in common with each block of a teacher over the same images, before or after training. Memory does not grow
/// with the images.
/// </summary>
/// <example><code>
/// using var teacher = ModelLoader.Load("cait_nano_patch8_64");
/// using var student = ModelLoader.Load("deit_nano_patch8_64");
/// var similarity = ModelSimilarity.Run(teacher, student, ImageSources.Open("textures", count: 200, size: 64));
/// Console.WriteLine(similarity.Pair(0, 0).Cka);
/// similarity.ToDataFrame().SaveTable("similarity.csv");
/// </code></example>
public sealed record ModelSimilarity
{
    /// <summary>The teacher's name.</summary>
    public required string Teacher { get; init; }

    /// <summary>The student's name.</summary>
    public required string Student { get; init; }

    /// <summary>Where the images come from.</summary>
    public required string Source { get; init; }

    /// <summary>Number of images.</summary>
    public required long Images { get; init; }

    /// <summary>Number of directions k of the subspaces that <see cref="BlockSimilarity.Grassmann"/> compares.</summary>
    public required int Directions { get; init; }

    /// <summary>All pairs: the student's blocks in order, each with the teacher's in order.</summary>
    public required ImmutableArray<BlockSimilarity> Pairs { get; init; }

    /// <summary>What a reader should know, one line each.</summary>
    public required ImmutableArray<string> Notes { get; init; }

    /// <summary>The figures of the teacher's blocks that need their tokens, in order of depth.</summary>
    internal ImmutableArray<TokenRank> TeacherRanks { get; init; } = [];

    /// <summary>Takes two models' features over the same images and compares all pairs of blocks.</summary>
    /// <param name="teacher">One model; switched to evaluation mode meanwhile.</param>
    /// <param name="student">The other; it may be the same object.</param>
    /// <param name="images">The images; each model sees them in its own size and preprocessing. Those that cannot be read are left out and named in the notes.</param>
    /// <param name="options">Batch, tokens, directions.</param>
    /// <param name="progress">Told after every batch.</param>
    /// <param name="cancellation">Stops between two batches.</param>
    /// <exception cref="SpectralKDException">The source is empty or unreadable, an option is out of range, or a map holds NaN or infinity.</exception>
    /// <exception cref="OperationCanceledException">Stopped.</exception>
    public static ModelSimilarity Run(
        VisionModel teacher, VisionModel student, IImageSource images, SimilarityOptions? options = null, IProgress<AnalysisProgress>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(teacher);
        ArgumentNullException.ThrowIfNull(student);
        ArgumentNullException.ThrowIfNull(images);
        LibTorch.EnsureLoaded();
        var settings = options ?? new SimilarityOptions();
        settings.Check();
        if (images.Count == 0)
        {
            throw new SpectralKDException($"{images.Name} has no images, so there is nothing to compare");
        }

        using var scope = NewDisposeScope();
        using var run = new SimilarityRun(teacher, student, images, settings);
        return run.Over(progress, cancellation);
    }

    /// <summary>The figures of one pair.</summary>
    /// <param name="student">0-based block of the student.</param>
    /// <param name="teacher">0-based block of the teacher.</param>
    /// <exception cref="SpectralKDException">There is no such block.</exception>
    public BlockSimilarity Pair(int student, int teacher) => Pairs.FirstOrDefault(pair => pair.Student.Index == student && pair.Teacher.Index == teacher)
        ?? throw new SpectralKDException($"there is no pair of {Student}'s block {student} and {Teacher}'s block {teacher}: they have {Pairs[^1].Student.Index + 1} and {Pairs[^1].Teacher.Index + 1} blocks");

    /// <summary>
    /// The table, a row for each pair: <c>student_block</c>, <c>student_name</c>, <c>teacher_block</c>, <c>teacher_name</c>, <c>cka</c>, <c>token_cka</c>, <c>r2</c>,
    /// <c>procrustes</c>, <c>grassmann</c>; see <see cref="BlockSimilarity"/>.
    /// </summary>
    public DataFrame ToDataFrame() => new(
        new Int32DataFrameColumn("student_block", Pairs.Select(pair => pair.Student.Index)),
        new StringDataFrameColumn("student_name", Pairs.Select(pair => pair.Student.Name)),
        new Int32DataFrameColumn("teacher_block", Pairs.Select(pair => pair.Teacher.Index)),
        new StringDataFrameColumn("teacher_name", Pairs.Select(pair => pair.Teacher.Name)),
        new DoubleDataFrameColumn("cka", Pairs.Select(pair => pair.Cka)),
        new DoubleDataFrameColumn("token_cka", Pairs.Select(pair => pair.TokenCka)),
        new DoubleDataFrameColumn("r2", Pairs.Select(pair => pair.R2)),
        new DoubleDataFrameColumn("procrustes", Pairs.Select(pair => pair.Procrustes)),
        new DoubleDataFrameColumn("grassmann", Pairs.Select(pair => pair.Grassmann)));
}

/// <summary>What a student's and a teacher's block have in common. Null where a figure cannot be had: tokens of maps of other sizes have no partners.</summary>
/// <param name="Student">The student's block.</param>
/// <param name="Teacher">The teacher's block.</param>
/// <param name="Cka">
/// Linear CKA between the images, whole maps as features: do both find the same images alike? Unbiased, batch by batch; 1 for equal geometry, 0 for none in common.
/// </param>
/// <param name="TokenCka">Linear CKA between the tokens within an image: do both find the same places alike?</param>
/// <param name="R2">
/// How much of the teacher's tokens a ridge regression on the student's explains, fitted on one half of the images and judged on the other; 1 all, below 0 less than their mean.
/// </param>
/// <param name="Procrustes">What is left of the squared distance between the tokens, scaled to length 1, after the best rotation: from 0 to 2.</param>
/// <param name="Grassmann">Distance of the subspaces of the tokens' strongest directions, root of the sum of their squared angles in radians.</param>
public sealed record BlockSimilarity(BlockInfo Student, BlockInfo Teacher, double? Cka, double? TokenCka, double? R2, double? Procrustes, double? Grassmann)
{
    /// <summary>The value of a figure.</summary>
    public double? Value(SimilarityFigure figure) => figure switch
    {
        SimilarityFigure.Cka => Cka,
        SimilarityFigure.TokenCka => TokenCka,
        SimilarityFigure.R2 => R2,
        SimilarityFigure.Procrustes => Procrustes,
        _ => Grassmann,
    };
}

/// <summary>The figures of <see cref="BlockSimilarity"/>.</summary>
public enum SimilarityFigure
{
    /// <summary>Linear CKA between images.</summary>
    Cka,

    /// <summary>Linear CKA between the tokens of an image.</summary>
    TokenCka,

    /// <summary>Explained share of a ridge regression.</summary>
    R2,

    /// <summary>Procrustes distance.</summary>
    Procrustes,

    /// <summary>Grassmann distance.</summary>
    Grassmann,
}

/// <summary>How two models are compared.</summary>
public sealed record SimilarityOptions
{
    /// <summary>Images in one forward pass and in one batch of CKA's estimate, at least 4.</summary>
    public int BatchSize { get; init; } = 32;

    /// <summary>
    /// Tokens of each block that are kept for R^2, Procrustes and Grassmann, at least 16: places drawn from every image, the same in both models. 2,048 tokens of two models
    /// of 24 blocks and 1,024 channels are 400 MB.
    /// </summary>
    public int Tokens { get; init; } = 2048;

    /// <summary>Directions k of the subspaces, at least 1; fewer where a block has fewer channels.</summary>
    public int Directions { get; init; } = 10;

    /// <summary>Strength of the ridge regression, as a part of the mean variance of the student's channels, above 0.</summary>
    public double Ridge { get; init; } = 0.01;

    /// <summary>Threads that decode images ahead of the models, at least 1. The figures do not depend on it.</summary>
    public int Workers { get; init; } = Math.Clamp(Environment.ProcessorCount, 1, 16);

    internal void Check()
    {
        string? wrong = BatchSize < HsicSums.Least ? $"the batch of an unbiased CKA has at least {HsicSums.Least} images, but is {BatchSize}"
            : Tokens < 16 ? $"at least 16 tokens are compared, but {Tokens} were asked for"
            : Directions < 1 ? $"at least one direction is compared, but {Directions} were asked for"
            : !(Ridge > 0 && double.IsFinite(Ridge)) ? FormattableString.Invariant($"the ridge is a number above 0, but is {Ridge}") : null;
        if (wrong is not null)
        {
            throw new SpectralKDException(wrong);
        }
    }
}

/// <summary>Ranks of a block's centred tokens.</summary>
/// <param name="Effective">Effective rank of the singular values.</param>
/// <param name="D95">Directions that hold 95 % of the energy.</param>
internal sealed record TokenRank(double Effective, int D95);

/// <summary>One comparison under way: sums over the batches, and the tokens that were drawn.</summary>
internal sealed class SimilarityRun : IDisposable
{
    private readonly (VisionModel Model, ModelRun Run, List<Tensor>[] Tokens) _teacher;
    private readonly (VisionModel Model, ModelRun Run, List<Tensor>[] Tokens) _student;
    private readonly IImageSource _images;
    private readonly SimilarityOptions _options;
    private readonly SkippedImages _skipped = new();
    private readonly HsicSums _between;
    private readonly HsicSums _within;
    private readonly List<bool> _judging = [];
    private long _done;
    private long _passedOver;

    internal SimilarityRun(VisionModel teacher, VisionModel student, IImageSource images, SimilarityOptions options)
    {
        (_images, _options) = (images, options);
        _teacher = Side(teacher);
        _student = Side(student);
        (_between, _within) = (Sums(), Sums());
        HsicSums Sums() => new(student.Blocks.Count, teacher.Blocks.Count);
        static (VisionModel, ModelRun, List<Tensor>[]) Side(VisionModel model) =>
            (model, new ModelRun(model, new SpectralOptions()), [.. model.Blocks.Select(_ => new List<Tensor>())]);
    }

    internal ModelSimilarity Over(IProgress<AnalysisProgress>? progress, CancellationToken cancellation)
    {
        var clock = Stopwatch.StartNew();
        foreach (var (one, two) in Batches(cancellation))
        {
            cancellation.ThrowIfCancellationRequested();
            Add(one, two);
            _done += one.Count;
            progress?.Report(new AnalysisProgress(1, 1, _done, _images.Count, clock.Elapsed));
        }

        return Result();
    }

    public void Dispose()
    {
        _student.Run.Dispose();
        _teacher.Run.Dispose();
        _teacher.Tokens.Concat(_student.Tokens).SelectMany(rows => rows).ToList().ForEach(rows => rows.Dispose());
    }

    // The same images for the teacher and for the student, read once where both take them alike.
    private IEnumerable<(ImageBatch Teacher, ImageBatch Student)> Batches(CancellationToken cancellation)
    {
        var (teacher, student) = (_teacher.Model.Spec, _student.Model.Spec);
        var options = new BatchOptions { BatchSize = _options.BatchSize, Workers = _options.Workers };
        var first = ImageBatches.Read(_images, teacher.Preprocessing, teacher.ImageSize, options, _skipped, cancellation);
        if (teacher.Preprocessing == student.Preprocessing && teacher.ImageSize == student.ImageSize)
        {
            foreach (var batch in first)
            {
                using (batch)
                {
                    yield return (batch, batch);
                }
            }

            yield break;
        }

        var second = ImageBatches.Read(_images, student.Preprocessing, student.ImageSize, options, null, cancellation);
        foreach (var (one, two) in first.Zip(second))
        {
            using (one)
            using (two)
            {
                yield return one.Indices.SequenceEqual(two.Indices) ? (one, two)
                    : throw new SpectralKDException($"{_images.Name} gave {teacher.Name} and {student.Name} other images: give a source that can be read twice at the same time");
            }
        }
    }

    private void Add(ImageBatch one, ImageBatch two)
    {
        using var scope = NewDisposeScope();
        using var guard = no_grad();
        var (teacher, student) = (Maps(_teacher.Run, one), ReferenceEquals(_teacher.Model, _student.Model) ? null : Maps(_student.Run, two));
        student ??= teacher;
        if (one.Count >= HsicSums.Least)
        {
            _between.Add([.. student.Select(map => map.flatten(1))], [.. teacher.Select(map => map.flatten(1))]);
        }
        else
        {
            _passedOver += one.Count;
        }

        var grids = student.Concat(teacher).Select(map => (map.shape[2], map.shape[3])).Distinct().ToList();
        for (var image = 0; image < one.Count; image++)
        {
            if (grids.Count == 1 && grids[0].Item1 * grids[0].Item2 >= HsicSums.Least)
            {
                _within.Add([.. student.Select(map => TokensOf(map, image))], [.. teacher.Select(map => TokensOf(map, image))]);
            }

            Draw(one.Indices[image], image, student, teacher);
        }
    }

    private static Tensor[] Maps(ModelRun run, ImageBatch batch)
    {
        var output = run.Output(batch.Images);
        return [.. output.Maps.Select(map => map.Values.to(float64).cpu())];
    }

    private static Tensor TokensOf(Tensor map, int image) => map[image].flatten(1).t(); // (H*W, C)

    // As many places of each image as fill the store; of very many images every so many-th. Places are drawn by the image's number, so that they are the same in all blocks of a grid.
    private void Draw(int index, int image, Tensor[] student, Tensor[] teacher)
    {
        var apart = (_images.Count + _options.Tokens - 1) / _options.Tokens;
        if (index % apart != 0)
        {
            return;
        }

        var most = Math.Max(1, _options.Tokens / _images.Count);
        Keep(_student.Tokens, student);
        Keep(_teacher.Tokens, teacher);
        _judging.Add(index / apart % 2 == 1);

        void Keep(List<Tensor>[] kept, Tensor[] maps)
        {
            for (var block = 0; block < maps.Length; block++)
            {
                var tokens = TokensOf(maps[block], image);
                var places = Enumerable.Range(0, (int)tokens.shape[0]).Select(place => (long)place).ToArray();
                new CounterRandom(index).Shuffle(places.AsSpan());
                kept[block].Add(tokens.index_select(0, tensor(places[..Math.Min(most, places.Length)])).to(float32).DetachFromDisposeScope());
            }
        }
    }

    private ModelSimilarity Result()
    {
        if (!_between.IsFinite || !_within.IsFinite)
        {
            throw new SpectralKDException($"a feature map of {_student.Model.Spec.Name} or {_teacher.Model.Spec.Name} over {_images.Name} holds NaN or infinity: analyse the models one by one to see which");
        }

        var (students, teachers) = (_student.Model.Blocks, _teacher.Model.Blocks);
        var (mine, theirs) = (Blocks(_student.Tokens), Blocks(_teacher.Tokens));
        var pairs = students.Zip(mine).SelectMany(own => teachers.Zip(theirs).Select(other => Compare(own.First, other.First, own.Second, other.Second)));
        var result = new ModelSimilarity
        {
            Teacher = Name(_teacher.Model),
            Student = Name(_student.Model),
            Source = _images.Name,
            Images = _done,
            Directions = Math.Min(_options.Directions, mine.Concat(theirs).Min(block => (int)block.Basis.shape[1])),
            Pairs = [.. pairs],
            TeacherRanks = [.. theirs.Select(block => Rank(block.Tokens))],
            Notes = [],
        };
        return result with { Notes = [.. Notes(result)] };
    }

    private static string Name(VisionModel model) => model.Spec.Name + (model.Origin.IsUntrained ? " (UNTRAINED)" : "");

    private IEnumerable<string> Notes(ModelSimilarity result)
    {
        if (_passedOver > 0)
        {
            yield return $"{_passedOver} images were too few for a batch of the CKA between images, which needs {HsicSums.Least}; they count in the other figures";
        }

        if (result.Pairs.Count(pair => pair.R2 is null) is > 0 and var other)
        {
            yield return $"{other} of {result.Pairs.Length} pairs have maps of different sizes (or too few tokens), so only the CKA between images compares them";
        }

        foreach (var skipped in _skipped.Items)
        {
            yield return $"left out: {skipped.Reason}";
        }
    }

    private BlockTokens[] Blocks(List<Tensor>[] tokens) => [.. tokens.Select(rows => Block(cat(rows, 0).to(float64)))];

    private BlockTokens Block(Tensor tokens)
    {
        var (fitted, judged) = Halves(tokens.shape[0]);
        var (seen, unseen) = (tokens.index_select(0, tensor(fitted)), tokens.index_select(0, tensor(judged)));
        var lambda = fitted.Length < 2 || judged.Length < 2 ? 0 : RidgeRegression.Strength(seen, _options.Ridge);
        var directions = (int)Math.Min(_options.Directions, Math.Min(tokens.shape[0] - 1, tokens.shape[1]));
        return new BlockTokens(tokens, FeatureSimilarity.Basis(tokens, directions), seen, unseen, lambda > 0 ? new RidgeRegression(seen, lambda) : null);
    }

    private BlockSimilarity Compare(BlockInfo student, BlockInfo teacher, BlockTokens mine, BlockTokens theirs)
    {
        var (same, few) = ((student.Height, student.Width) == (teacher.Height, teacher.Width), mine.Tokens.shape[0] < HsicSums.Least);
        var cka = _between.Cka(student.Index, teacher.Index);
        if (!same || few)
        {
            return new BlockSimilarity(student, teacher, cka, null, null, null, null);
        }

        using var scope = NewDisposeScope();
        var k = Math.Min(mine.Basis.shape[1], theirs.Basis.shape[1]);
        return new BlockSimilarity(
            student, teacher, cka, _within.Cka(student.Index, teacher.Index), mine.Fit?.R2(theirs.Seen, (mine.Unseen, theirs.Unseen)), FeatureSimilarity.Procrustes(mine.Tokens, theirs.Tokens),
            FeatureSimilarity.Grassmann(FeatureSimilarity.Angles(mine.Basis.narrow(1, 0, k), theirs.Basis.narrow(1, 0, k))));
    }

    // Fitted on every other image, judged on those between.
    private (long[] Fitted, long[] Judged) Halves(long rows)
    {
        var each = (int)(rows / _judging.Count);
        long[] Of(bool judging) => [.. _judging.SelectMany((judges, image) => judges == judging ? Enumerable.Range(image * each, each).Select(row => (long)row) : [])];
        return (Of(false), Of(true));
    }

    private static TokenRank Rank(Tensor tokens)
    {
        using var scope = NewDisposeScope();
        var singular = linalg.svdvals(FeatureSimilarity.Centred(tokens)).data<double>().ToArray();
        return new TokenRank(RankFigures.EffectiveRank(singular), RankFigures.ComponentsFor([.. singular.Select(value => value * value)], 0.95));
    }

    // A block's tokens [n, C], their strongest directions [n, k], both halves, and what predicts from the first half; null where it cannot.
    private sealed record BlockTokens(Tensor Tokens, Tensor Basis, Tensor Seen, Tensor Unseen, RidgeRegression? Fit);
}
