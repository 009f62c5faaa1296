using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace SpectralKD.Distillation;

/// <summary>Which terms a run's loss has, with their weights and layer pairs, checked against both models. Made before anything is trained; holds no tensors.</summary>
internal sealed record LossPlan(IReadOnlyList<PlannedTerm> Terms, MapResize Resize = MapResize.None)
{
    /// <summary>The student's blocks whose maps are compared, term by term and pair by pair.</summary>
    public IReadOnlyList<int> StudentBlocks { get; } = [.. Terms.SelectMany(term => term.Pairs).Select(pair => pair.Student.Index)];

    /// <summary>The teacher's, as many.</summary>
    public IReadOnlyList<int> TeacherBlocks { get; } = [.. Terms.SelectMany(term => term.Pairs).Select(pair => pair.Teacher.Index)];

    /// <summary>True if any term asks the teacher.</summary>
    public bool HasTeacher => Terms.Any(term => term.Kind.Teacher);

    /// <summary>True if spectra are aligned.</summary>
    public bool Aligns => Terms.Any(term => term.Kind == AlignmentTerm.Kind);

    /// <summary>The terms of a recipe's method: labels, alignment, KD, in the reference's order.</summary>
    /// <param name="weights">Method and weights.</param>
    /// <param name="student">The student.</param>
    /// <param name="studentLayers">Its blocks to align; null for the paper's end points.</param>
    /// <param name="teacher">The teacher; null with the method none.</param>
    /// <param name="teacherLayers">Its blocks to align.</param>
    /// <param name="align">Whether maps are aligned.</param>
    /// <param name="resize">What happens to a teacher's map of another grid.</param>
    /// <exception cref="SpectralKDException">The layers do not fit together.</exception>
    public static LossPlan Of(
        LossWeights weights, VisionModel student, IReadOnlyList<int>? studentLayers, VisionModel? teacher, IReadOnlyList<int>? teacherLayers, bool align = true,
        MapResize resize = MapResize.None)
    {
        var selection = (Explicit(studentLayers, teacherLayers) ?? new LayerSelection()) with { AnyGrid = resize != MapResize.None };
        IReadOnlyList<LayerPair> pairs = teacher is null || !align ? [] : [.. LayerPairs.Select(teacher, student, selection).Pairs.Select(pair => ResizedMaps.Of(pair, resize))];
        return new LossPlan([.. weights.AsTerms(pairs.Count > 0).Select(term => new PlannedTerm(
            term.Name, LossCatalog.Find(term.Name), term.Weight!.Value, term.Settings(), term.Name == AlignmentTerm.Kind.Name ? pairs : []))], resize);
    }

    /// <summary>The terms of a recipe's list.</summary>
    /// <param name="losses">Checked terms; defaults are filled in.</param>
    /// <param name="student">The student.</param>
    /// <param name="studentLayers">The recipe's blocks; null where it names none.</param>
    /// <param name="teacher">The teacher; null where no term asks one.</param>
    /// <param name="teacherLayers">The recipe's blocks of the teacher.</param>
    /// <param name="resize">What happens to a teacher's map of another grid.</param>
    /// <exception cref="SpectralKDException">A term cannot compare its blocks.</exception>
    public static LossPlan Of(
        IReadOnlyList<LossTerm> losses, VisionModel student, IReadOnlyList<int>? studentLayers, VisionModel? teacher, IReadOnlyList<int>? teacherLayers, MapResize resize = MapResize.None)
    {
        var terms = new List<PlannedTerm>();
        foreach (var term in LossTerm.Complete(losses, student.Spec.AlignmentWeight))
        {
            var kind = LossCatalog.Find(term.Name);
            ImmutableArray<LayerPair> pairs = teacher is null || kind.Rule.Selection is null ? [] : PairsOf(term, kind, student, teacher, Explicit(studentLayers, teacherLayers), resize);
            var earlier = terms.Count(other => other.Kind == kind);
            terms.Add(new PlannedTerm(earlier == 0 ? term.Name : FormattableString.Invariant($"{term.Name}{earlier + 1}"), kind, term.Weight!.Value, term.Settings(), pairs));
        }

        return new LossPlan(terms, resize);
    }

    private static LayerSelection? Explicit(IReadOnlyList<int>? student, IReadOnlyList<int>? teacher) =>
        student is null ? null : new LayerSelection { Strategy = LayerStrategy.Explicit, Student = student, Teacher = teacher };

    private static ImmutableArray<LayerPair> PairsOf(LossTerm term, LossKind kind, VisionModel student, VisionModel teacher, LayerSelection? recipe, MapResize resize)
    {
        var shallow = kind.Rule.Selection!.First + kind.Rule.Selection.Last > Math.Min(student.Blocks.Count, teacher.Blocks.Count);
        var selection = Explicit(term.StudentLayers, term.TeacherLayers) ?? (kind.Rule.OfRecipe ? recipe : null) ?? (shallow ? new LayerSelection() : kind.Rule.Selection);
        ImmutableArray<LayerPair> pairs = [.. LayerPairs.SelectAny(teacher, student, selection).Pairs.Select(pair => ResizedMaps.Of(pair, resize))];
        foreach (var pair in pairs)
        {
            if (kind.Fits(pair) is { } problem)
            {
                throw new SpectralKDException($"the loss {kind.Name} cannot compare {Words(student, pair.Student)} with {Words(teacher, pair.Teacher)}: {problem}");
            }
        }

        RequireNorm(student, pairs[^1].Student, kind, kind.Rule.Normed != NormedMaps.None);
        RequireNorm(teacher, pairs[^1].Teacher, kind, kind.Rule.Normed == NormedMaps.Both);
        return pairs;
    }

    private static void RequireNorm(VisionModel model, BlockInfo block, LossKind kind, bool needed)
    {
        if (needed && FinalNorm.Find(model)?.Channels != block.Channels)
        {
            throw new SpectralKDException($"the loss {kind.Name} takes the tokens after the final norm, and {model.Spec.Name} has none over those of block {block.Index}; "
                + "take another model, or a loss that compares the blocks' own maps (mse, alignment)");
        }
    }

    private static string Words(VisionModel model, BlockInfo block) => $"{model.Spec.Name} block {block.Index} [{block.Channels}, {block.Height}, {block.Width}]";
}

/// <summary>One term of a plan.</summary>
/// <param name="Name">Its name in logs: the method's, numbered where a method comes twice.</param>
/// <param name="Kind">The method.</param>
/// <param name="Weight">Its factor.</param>
/// <param name="Settings">Its arguments.</param>
/// <param name="Pairs">Its layer pairs; empty where it compares no maps.</param>
internal sealed record PlannedTerm(string Name, LossKind Kind, double Weight, TermSettings Settings, IReadOnlyList<LayerPair> Pairs);

/// <summary>The norm over all tokens at a model's end, which timm calls <c>norm</c>.</summary>
internal static class FinalNorm
{
    /// <summary>The norm; null where a model has none of that name (pooled first, or lifted).</summary>
    public static Models.LayerNorm? Find(VisionModel model) => model.named_children().FirstOrDefault(child => child.name == "norm").module as Models.LayerNorm;

    /// <summary>The last block's map after the norm, <c>[B, C, H, W]</c>.</summary>
    public static Tensor Of(VisionModel model, Tensor map)
    {
        using var scope = NewDisposeScope();
        var tokens = map.to(model.AnyWeight.dtype).permute(0, 2, 3, 1); // (B, H, W, C)
        return Find(model)!.forward(tokens).permute(0, 3, 1, 2).MoveToOuterDisposeScope();
    }
}

/// <summary>How a teacher's map is brought to the student's grid where their heights and widths differ (<c>--resize-maps</c>).</summary>
[JsonConverter(typeof(JsonStringEnumConverter<MapResize>))]
public enum MapResize
{
    /// <summary>Not at all: pairs of unequal grids are an error.</summary>
    None,

    /// <summary>Averaged over areas where no side grows, else interpolated.</summary>
    Auto,

    /// <summary>Averaged over areas (torch's <c>interpolate(mode="area")</c>).</summary>
    Area,

    /// <summary>Interpolated bicubically between centres (<c>mode="bicubic", align_corners=False</c>, without antialias).</summary>
    Bicubic,
}

/// <summary>Applies <see cref="MapResize"/>. A resized map has another spectrum: averaging takes the high frequencies out, interpolation adds none.</summary>
internal static class ResizedMaps
{
    /// <summary>A pair with the teacher's block as it is after resizing.</summary>
    public static LayerPair Of(LayerPair pair, MapResize resize) =>
        resize == MapResize.None ? pair : pair with { Teacher = pair.Teacher with { Height = pair.Student.Height, Width = pair.Student.Width } };

    /// <summary>A map <c>[B, C, H, W]</c> on the grid of a block; the map itself where it is there already.</summary>
    public static Tensor To(BlockInfo block, Tensor map, MapResize resize)
    {
        var (height, width) = (map.shape[2], map.shape[3]);
        if (resize == MapResize.None || (height == block.Height && width == block.Width))
        {
            return map;
        }

        var shrinks = block.Height <= height && block.Width <= width;
        return resize == MapResize.Area || (resize == MapResize.Auto && shrinks)
            ? nn.functional.adaptive_avg_pool2d(map, [block.Height, block.Width])
            : nn.functional.interpolate(map, size: [block.Height, block.Width], mode: InterpolationMode.Bicubic, align_corners: false);
    }
}
