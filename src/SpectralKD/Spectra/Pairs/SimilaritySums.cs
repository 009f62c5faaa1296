using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace SpectralKD.Spectra;

/// <summary>
/// What a similarity's figures are made of, batch by batch and image by image, so that parts of a list of images merge to the bytes of one run: some KB a batch, and the tokens
/// that were drawn.
/// </summary>
internal sealed class SimilaritySums(SimilarityRecord record)
{
    private static readonly SumsFormat Format = new("spectralkd.similarity/1", "similarity", "similarity", "ModelSimilarity.Save or spectralkd similarity");

    // What parts must have in common, in words and as text.
    private static readonly (string What, Func<SimilarityRecord, string> Of)[] Common =
    [
        ("teachers", one => one.Teacher.Name), ("students", one => one.Student.Name),
        ("weights of the teacher", one => one.Teacher.WeightsHash), ("weights of the student", one => one.Student.WeightsHash),
        ("inputs or numbers of the teacher", one => one.Teacher.Words), ("inputs or numbers of the student", one => one.Student.Words),
        ("lists of images", one => FormattableString.Invariant($"{one.Source}, {one.ListCount} images, {one.List[..Math.Min(8, one.List.Length)]}")),
        ("batches", one => FormattableString.Invariant($"{one.BatchSize}")), ("numbers of tokens", one => FormattableString.Invariant($"{one.Tokens}")),
        ("numbers of directions", one => FormattableString.Invariant($"{one.Directions}")), ("ridges", one => FormattableString.Invariant($"{one.Ridge}")),
        ("numbers of parts", one => FormattableString.Invariant($"{one.Of}")),
    ];

    // By the image's place in its list: a matrix [places, C] for each of the student's blocks, then for each of the teacher's, row by row.
    private readonly SortedDictionary<int, float[][]> _tokens = [];

    /// <summary>What was compared how, and which part of it this is.</summary>
    public SimilarityRecord Record { get; set; } = record;

    /// <summary>HSIC between the images of a batch.</summary>
    public HsicSums Between { get; } = new(record.Student.Blocks.Length, record.Teacher.Blocks.Length);

    /// <summary>HSIC between the tokens of an image, added up over its batch.</summary>
    public HsicSums Within { get; } = new(record.Student.Blocks.Length, record.Teacher.Blocks.Length);

    private IEnumerable<BlockInfo> Blocks => Record.Student.Blocks.Concat(Record.Teacher.Blocks);

    // Of very many images every so many-th is drawn from.
    private int Apart => (Record.ListCount + Record.Tokens - 1) / Record.Tokens;

    /// <summary>As many places of each image as fill the store, drawn by the image's number, so that they are the same in all blocks of a grid.</summary>
    /// <param name="index">The image's place in the list.</param>
    /// <param name="blocks">Its tokens <c>[H*W, C]</c> of the student's blocks, then of the teacher's.</param>
    public void Draw(int index, IEnumerable<Tensor> blocks)
    {
        if (index % Apart != 0)
        {
            return;
        }

        var most = Math.Max(1, Record.Tokens / Record.ListCount);
        _tokens.Add(index, [.. blocks.Select(tokens =>
        {
            var places = Enumerable.Range(0, (int)tokens.shape[0]).Select(place => (long)place).ToArray();
            new CounterRandom(index).Shuffle(places.AsSpan());
            return tokens.index_select(0, tensor(places[..Math.Min(most, places.Length)])).to(float32).contiguous().data<float>().ToArray();
        })]);
    }

    /// <summary>All parts' sums together; whatever their order, those of one run.</summary>
    /// <exception cref="SpectralKDException">Two of them do not fit together, or are the same part.</exception>
    public static SimilaritySums Merge(IEnumerable<SimilaritySums> parts)
    {
        List<SimilaritySums> all = [.. parts.OrderBy(part => part.Record.Parts[0])];
        if (all.Count == 0)
        {
            throw new SpectralKDException("there is no similarity to merge: give at least one");
        }

        var first = all[0].Record;
        foreach (var other in all.Skip(1).Select(part => part.Record))
        {
            if (Common.FirstOrDefault(common => common.Of(first) != common.Of(other)) is { Of: { } of } wrong)
            {
                throw new SpectralKDException($"similarities of different {wrong.What} ({of(first)}; {of(other)}) do not merge: make the parts alike");
            }
        }

        ImmutableArray<int> numbers = [.. all.SelectMany(part => part.Record.Parts).Order()];
        if (numbers.GroupBy(number => number).FirstOrDefault(same => same.Count() > 1) is { } twice)
        {
            throw new SpectralKDException(FormattableString.Invariant($"part {twice.Key}/{first.Of} of the similarity was given twice: give each part once"));
        }

        var whole = numbers.Length == first.Of;
        var merged = new SimilaritySums(first with
        {
            Of = whole ? 1 : first.Of,
            Parts = whole ? [1] : numbers,
            Images = all.Sum(part => part.Record.Images),
            PassedOver = all.Sum(part => part.Record.PassedOver),
            LeftOut = [.. all.SelectMany(part => part.Record.LeftOut).OrderBy(image => image.Index)],
        });
        foreach (var part in all)
        {
            merged.Between.Add(part.Between);
            merged.Within.Add(part.Within);
            foreach (var (image, tokens) in part._tokens)
            {
                merged._tokens.Add(image, tokens);
            }
        }

        return merged;
    }

    /// <summary>Whether a file is one of these, judged by its header.</summary>
    public static bool Looks(string path) => Format.Looks(path);

    /// <summary>
    /// Writes a file: the record's JSON as bytes in <c>record</c>; <c>between</c> and <c>within</c> <c>[batches, ...]</c> in float64 with the batches' numbers; <c>tokens.0</c> ...
    /// <c>[n, C]</c> of the student's blocks, then of the teacher's, and the <c>images</c> that they are of.
    /// </summary>
    public void Save(string path)
    {
        LibTorch.EnsureLoaded();
        using var scope = NewDisposeScope();
        var tensors = new Dictionary<string, Tensor>
        {
            ["record"] = tensor(JsonSerializer.SerializeToUtf8Bytes(Record, SpectrumJson.Options)),
            ["images"] = tensor(_tokens.Keys.Select(image => (long)image).ToArray()),
        };
        foreach (var (name, sums) in new[] { ("between", Between), ("within", Within) })
        {
            tensors[name + ".batches"] = tensor(sums.Rows.Keys.Select(batch => (long)batch).ToArray());
            tensors[name] = tensor(sums.Rows.Values.SelectMany(row => row).ToArray(), [sums.Rows.Count, sums.Width]);
        }

        foreach (var (block, i) in Blocks.Select((block, i) => (block, i)))
        {
            tensors[FormattableString.Invariant($"tokens.{i}")] = TokensOf(i, block.Channels);
        }

        Format.Write(path, tensors);
    }

    /// <summary>Reads a file.</summary>
    /// <exception cref="SpectralKDException">It is no similarity, or damaged.</exception>
    public static SimilaritySums Load(string path)
    {
        LibTorch.EnsureLoaded();
        using var scope = NewDisposeScope();
        using var file = Format.Open(path);
        var record = Record();
        var sums = new SimilaritySums(record);
        foreach (var (name, into) in new[] { ("between", sums.Between), ("within", sums.Within) })
        {
            var batches = Numbers(name + ".batches", number => number);
            var rows = file.Values<double>(name, ElementType.F64, [batches.Length, into.Width]);
            Array.ForEach(batches, batch => into.Rows.Add(batch, rows.AsSpan(into.Rows.Count * into.Width, into.Width).ToArray()));
        }

        var images = Numbers("images", image => image / record.BatchSize);
        foreach (var image in images)
        {
            sums._tokens.Add(image, new float[sums.Blocks.Count()][]);
        }

        foreach (var (block, i) in sums.Blocks.Select((block, i) => (block, i)))
        {
            var each = Math.Min(Math.Max(1, record.Tokens / record.ListCount), block.Height * block.Width);
            var rows = file.Values<float>(FormattableString.Invariant($"tokens.{i}"), ElementType.F32, [images.Length * each, block.Channels]);
            for (var image = 0; image < images.Length; image++)
            {
                sums._tokens[images[image]][i] = rows.AsSpan(image * each * block.Channels, each * block.Channels).ToArray();
            }
        }

        return sums;

        SimilarityRecord Record()
        {
            try
            {
                using var json = JsonDocument.Parse(file.Bytes("record"));
                SpectrumJson.RequirePlain(json.RootElement, () => "$", path, "similarity");
                var found = json.RootElement.Deserialize<SimilarityRecord>(SpectrumJson.Options);
                file.Require(found is { ListCount: > 0, BatchSize: >= HsicSums.Least, Tokens: > 0, Directions: > 0, Ridge: > 0, Parts.IsDefaultOrEmpty: false } && !found.Teacher.Blocks.IsDefaultOrEmpty && !found.Student.Blocks.IsDefaultOrEmpty
                    && !found.LeftOut.IsDefault && found.Parts.All(part => part >= 1 && part <= found.Of), "its record contradicts itself");
                return found!;
            }
            catch (JsonException error)
            {
                throw new SpectralKDException($"{path} is damaged: its record is not what a similarity writes; make it again", error);
            }
        }

        // Ascending numbers, of images or batches of this part.
        int[] Numbers(string name, Func<int, int> batchOf)
        {
            int[] numbers = [.. file.Values<long>(name, ElementType.I64, file.ListShape(name)).Select(number => (int)Math.Clamp(number, -1, int.MaxValue))];
            file.Require(numbers.All(number => number >= 0 && record.Parts.Contains((batchOf(number) % record.Of) + 1)) && numbers.Zip(numbers.Skip(1)).All(pair => pair.First < pair.Second), $"{name} are not those of its parts");
            return numbers;
        }
    }

    /// <summary>The figures.</summary>
    /// <exception cref="SpectralKDException">A map held NaN or infinity.</exception>
    public ModelSimilarity Figures()
    {
        var (teacher, student) = (Record.Teacher, Record.Student);
        if (!Between.IsFinite || !Within.IsFinite)
        {
            throw new SpectralKDException($"a feature map of {student.Name} or {teacher.Name} over {Record.Source} holds NaN or infinity: analyse the models one by one to see which");
        }

        using var scope = NewDisposeScope();
        BlockTokens[] all = [.. Blocks.Select((block, i) => Halved(TokensOf(i, block.Channels).to(float64)))];
        var (mine, theirs) = (all[..student.Blocks.Length], all[student.Blocks.Length..]);
        var pairs = student.Blocks.Zip(mine).SelectMany(own => teacher.Blocks.Zip(theirs).Select(other => Compare(own.First, other.First, own.Second, other.Second)));
        var result = new ModelSimilarity
        {
            Teacher = teacher.Title,
            Student = student.Title,
            Source = Record.Source,
            Images = Record.Images,
            Directions = Math.Min(Record.Directions, all.Min(block => (int)block.Basis.shape[1])),
            Pairs = [.. pairs],
            TeacherRanks = [.. theirs.Select(block => Rank(block.Tokens))],
            Notes = [],
            Sums = this,
        };
        return result with { Notes = [.. Notes(result)] };
    }

    private IEnumerable<string> Notes(ModelSimilarity result)
    {
        if (Enumerable.Range(1, Record.Of).Except(Record.Parts).ToList() is { Count: > 0 } missing)
        {
            yield return $"these figures are of a part of the images; missing: {string.Join(", ", missing.Select(part => FormattableString.Invariant($"{part}/{Record.Of}")))}";
        }

        if (Record.PassedOver > 0)
        {
            yield return $"{Record.PassedOver} images were too few for a batch of the CKA between images, which needs {HsicSums.Least}; they count in the other figures";
        }

        if (result.Pairs.Count(pair => pair.R2 is null) is > 0 and var other)
        {
            yield return $"{other} of {result.Pairs.Length} pairs have maps of different sizes (or too few tokens), so only the CKA between images compares them";
        }

        foreach (var skipped in Record.LeftOut)
        {
            yield return $"left out: {skipped.Reason}";
        }
    }

    // [n, C], in the order of the images' numbers.
    private Tensor TokensOf(int block, int channels)
    {
        float[] values = [.. _tokens.Values.SelectMany(blocks => blocks[block])];
        return tensor(values, [values.Length / channels, channels]);
    }

    private BlockTokens Halved(Tensor tokens)
    {
        var (fitted, judged) = Halves(tokens.shape[0]);
        var (seen, unseen) = (tokens.index_select(0, tensor(fitted)), tokens.index_select(0, tensor(judged)));
        var lambda = fitted.Length < 2 || judged.Length < 2 ? 0 : RidgeRegression.Strength(seen, Record.Ridge);
        var directions = (int)Math.Min(Record.Directions, Math.Min(Math.Max(0, tokens.shape[0] - 1), tokens.shape[1]));
        return new BlockTokens(tokens, directions == 0 ? tokens.narrow(1, 0, 0) : FeatureSimilarity.Basis(tokens, directions), seen, unseen, lambda > 0 ? new RidgeRegression(seen, lambda) : null);
    }

    private BlockSimilarity Compare(BlockInfo student, BlockInfo teacher, BlockTokens mine, BlockTokens theirs)
    {
        var (same, few) = ((student.Height, student.Width) == (teacher.Height, teacher.Width), mine.Tokens.shape[0] < HsicSums.Least);
        var cka = Between.Cka(student.Index, teacher.Index);
        if (!same || few)
        {
            return new BlockSimilarity(student, teacher, cka, null, null, null, null);
        }

        using var scope = NewDisposeScope();
        var k = Math.Min(mine.Basis.shape[1], theirs.Basis.shape[1]);
        return new BlockSimilarity(
            student, teacher, cka, Within.Cka(student.Index, teacher.Index), mine.Fit?.R2(theirs.Seen, (mine.Unseen, theirs.Unseen)), FeatureSimilarity.Procrustes(mine.Tokens, theirs.Tokens),
            FeatureSimilarity.Grassmann(FeatureSimilarity.Angles(mine.Basis.narrow(1, 0, k), theirs.Basis.narrow(1, 0, k))));
    }

    // Fitted on every other image, judged on those between.
    private (long[] Fitted, long[] Judged) Halves(long rows)
    {
        var each = (int)(rows / Math.Max(1, _tokens.Count));
        long[] Of(int half) => [.. _tokens.Keys.SelectMany((index, image) => index / Apart % 2 == half ? Enumerable.Range(image * each, each).Select(row => (long)row) : [])];
        return (Of(0), Of(1));
    }

    private static TokenRank Rank(Tensor tokens)
    {
        if (tokens.shape[0] < 2)
        {
            return new TokenRank(double.NaN, 0);
        }

        using var scope = NewDisposeScope();
        var singular = linalg.svdvals(FeatureSimilarity.Centred(tokens)).data<double>().ToArray();
        return new TokenRank(RankFigures.EffectiveRank(singular), RankFigures.ComponentsFor([.. singular.Select(value => value * value)], 0.95));
    }

    // A block's tokens [n, C], their strongest directions [n, k], both halves, and what predicts from the first half; null where it cannot.
    private sealed record BlockTokens(Tensor Tokens, Tensor Basis, Tensor Seen, Tensor Unseen, RidgeRegression? Fit);
}

/// <summary>What was compared how, and which parts of the list's batches are in it: batch k (from 0) is in part <c>k mod Of + 1</c>.</summary>
internal sealed record SimilarityRecord
{
    public required SimilarityModel Teacher { get; init; }

    public required SimilarityModel Student { get; init; }

    public required string Source { get; init; }

    /// <summary>See <see cref="SpectrumPart.List"/>.</summary>
    public required string List { get; init; }

    public required int ListCount { get; init; }

    public required int BatchSize { get; init; }

    public required int Tokens { get; init; }

    public required int Directions { get; init; }

    public required double Ridge { get; init; }

    /// <summary>In how many parts the batches were split; 1 where all are there.</summary>
    public required int Of { get; init; }

    /// <summary>Which of them are there, ascending.</summary>
    public required ImmutableArray<int> Parts { get; init; }

    /// <summary>Number of images that were read.</summary>
    public long Images { get; init; }

    /// <summary>Those of them whose batch is too small for the CKA between images.</summary>
    public long PassedOver { get; init; }

    public ImmutableArray<SkippedImage> LeftOut { get; init; } = [];
}

/// <summary>One of the two models of a comparison.</summary>
internal sealed record SimilarityModel
{
    public required string Name { get; init; }

    public required ModelOrigin Weights { get; init; }

    public required string WeightsHash { get; init; }

    public required string NumberType { get; init; }

    public required SpectrumInput Input { get; init; }

    public required ImmutableArray<BlockInfo> Blocks { get; init; }

    [JsonIgnore]
    public string Title => Name + (Weights.IsUntrained ? " (UNTRAINED)" : "");

    [JsonIgnore]
    public string Words => $"{NumberType}, {Input.Words}, {string.Join(' ', Blocks.Select(block => FormattableString.Invariant($"{block.Channels}x{block.Height}x{block.Width}")).Distinct())}";

    public static SimilarityModel Of(VisionModel model) => new()
    {
        Name = model.Spec.Name,
        Weights = model.Origin,
        WeightsHash = WeightHash.Of(model),
        NumberType = model.AnyWeight.dtype.ToString(),
        Input = SpectrumInput.Of(model.Spec),
        Blocks = [.. model.Blocks],
    };
}
