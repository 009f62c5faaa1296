using CsCheck;

namespace SpectralKD.Tests.Spectra;

public class LayerPairsTests
{
    private static readonly LayerCandidates CaitS24 = Flat("cait_s24_224", 24, 384, 14);
    private static readonly LayerCandidates DeitTiny = Flat("deit_tiny_patch16_224", 12, 192, 14);
    private static readonly LayerCandidates SwinSmall = Swin("swin_small_patch4_window7_224");
    private static readonly LayerCandidates SwinTiny = Swin("swin_tiny_patch4_window7_224");

    [Fact]
    public void The_default_is_the_papers_choice()
    {
        var pairs = LayerChoice.Make(CaitS24, DeitTiny, new LayerSelection());

        Assert.Equal([0, 1, 6, 7, 8, 9, 10, 11], pairs.StudentLayers);
        Assert.Equal([0, 1, 18, 19, 20, 21, 22, 23], pairs.TeacherLayers);
        Assert.Equal("deit_tiny_patch16_224 from cait_s24_224: 0←0, 1←1, 6←18, 7←19, 8←20, 9←21, 10←22, 11←23 (first 2 and last 6 blocks)", pairs.ToString());
    }

    [Theory]
    [InlineData("deit_tiny_patch16_224")]
    [InlineData("deit_small_patch16_224")]
    public void The_catalogues_models_give_the_papers_pairs(string student)
    {
        var pairs = LayerChoice.Make(Catalogued("cait_s24_224"), Catalogued(student), new LayerSelection());

        AssertPairs([0, 1, 6, 7, 8, 9, 10, 11], [0, 1, 18, 19, 20, 21, 22, 23], pairs);
    }

    [Fact]
    public void Hierarchical_models_are_paired_by_stages()
    {
        var pairs = LayerChoice.Make(SwinSmall, SwinTiny, new LayerSelection());

        Assert.Equal([0, 1, 2, 3], pairs.StudentLayers);
        Assert.Equal([0, 1, 2, 3], pairs.TeacherLayers);
    }

    [Fact]
    public void Top_blocks_at_both_ends_are_matched_as_the_paper_does()
    {
        int[] strong = [0, 1, 18, 19, 20, 21, 22, 23];
        var teacher = CaitS24 with { Intensities = [.. Enumerable.Range(0, 24).Select(index => strong.Contains(index) ? 2.0 : 1)] };

        foreach (var selection in new LayerSelection[] { new() { Strategy = LayerStrategy.Top, Count = 8 }, new() { Strategy = LayerStrategy.Threshold, Threshold = 0.9 } })
        {
            var pairs = LayerChoice.Make(teacher, DeitTiny, selection);
            Assert.Equal(strong, pairs.TeacherLayers);
            Assert.Equal([0, 1, 6, 7, 8, 9, 10, 11], pairs.StudentLayers);
        }
    }

    [Fact]
    public void Matches_rise_strictly_and_keep_the_ends_whatever_is_chosen()
        => Check.Sample(
            Gen.Select(Gen.Int[1, 20], Gen.Int[1, 12], Gen.Bool.Array[20]),
            (teacherDepth, studentDepth, flags) =>
            {
                int[] chosen = [.. Enumerable.Range(0, teacherDepth).Where(index => flags[index]).Take(studentDepth)];
                if (chosen.Length == 0 || (chosen[^1] == teacherDepth - 1 && chosen[0] == 0 && chosen.Length > 1 && studentDepth < 2))
                {
                    return;
                }

                var matched = LayerMatching.Match(chosen, teacherDepth, studentDepth);
                Assert.Equal(matched.Order().Distinct(), matched);
                Assert.True(chosen[0] != 0 || matched[0] == 0 || teacherDepth == 1);
                Assert.True(chosen[^1] != teacherDepth - 1 || matched[^1] == studentDepth - 1);
            },
            iter: 500,
            threads: 1);

    [Theory]
    [InlineData(LayerStrategy.Even, 4, new[] { 0, 4, 7, 11 }, new[] { 0, 8, 15, 23 })]
    [InlineData(LayerStrategy.All, null, new[] { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 }, new[] { 0, 2, 4, 6, 8, 10, 13, 15, 17, 19, 21, 23 })]
    public void Even_and_all_keep_both_ends(LayerStrategy strategy, int? count, int[] students, int[] teachers)
    {
        var pairs = LayerChoice.Make(CaitS24, DeitTiny, new LayerSelection { Strategy = strategy, Count = count });

        Assert.Equal(students, pairs.StudentLayers);
        Assert.Equal(teachers, pairs.TeacherLayers);
    }

    [Fact]
    public void Explicit_lists_count_from_the_end_too()
    {
        var pairs = LayerChoice.Make(CaitS24, DeitTiny, new LayerSelection { Strategy = LayerStrategy.Explicit, Student = [0, -1], Teacher = [1, -2] });

        AssertPairs([0, 11], [1, 22], pairs);
    }

    [Fact]
    public void Small_models_get_fewer_endpoints()
    {
        var pairs = LayerChoice.Make(Flat("teacher", 6, 48, 8), Flat("student", 4, 48, 8), new LayerSelection());

        AssertPairs([0, 2, 3], [0, 4, 5], pairs);
    }

    public static TheoryData<LayerSelection, string> Mistakes => new()
    {
        { new() { First = 8, Last = 8 }, "together at most 12" },
        { new() { First = 0, Last = 0 }, "at least one" },
        { new() { Strategy = LayerStrategy.Top }, "analyse cait_s24_224 first" },
        { new() { Strategy = LayerStrategy.Threshold, Threshold = 0 }, "above 0" },
        { new() { Strategy = LayerStrategy.Even, Count = 13 }, "choose 1 to 12" },
        { new() { Strategy = LayerStrategy.Stages }, "not hierarchical" },
        { new() { Strategy = LayerStrategy.Explicit, Student = [0] }, "one length" },
        { new() { Strategy = LayerStrategy.Explicit, Student = [12], Teacher = [0] }, "12 blocks" },
    };

    [Theory]
    [MemberData(nameof(Mistakes))]
    public void A_strategy_that_does_not_suit_says_what_would(LayerSelection selection, string words)
        => Assert.Contains(words, Assert.Throws<SpectralKDException>(() => LayerChoice.Make(CaitS24, DeitTiny, selection)).Message, StringComparison.Ordinal);

    [Fact]
    public void A_threshold_that_too_many_reach_is_to_be_raised()
    {
        var teacher = CaitS24 with { Intensities = [.. Enumerable.Repeat(1.0, 24)] };

        Assert.Contains("raise the threshold", Assert.Throws<SpectralKDException>(
            () => LayerChoice.Make(teacher, DeitTiny, new LayerSelection { Strategy = LayerStrategy.Threshold })).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Maps_of_other_sizes_cannot_be_aligned_and_what_fits_is_named()
    {
        var error = Assert.Throws<SpectralKDException>(() => LayerChoice.Make(SwinSmall, DeitTiny, new LayerSelection
        {
            Strategy = LayerStrategy.Explicit,
            Student = [3],
            Teacher = [0],
        }));

        Assert.Contains("blocks.3 [192, 14, 14]", error.Message, StringComparison.Ordinal);
        Assert.Contains("layers.0 [96, 56, 56]", error.Message, StringComparison.Ordinal);
        Assert.Contains("Teacher blocks that fit: layers.2 [384, 14, 14]", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_student_wider_than_its_teacher_is_refused()
        => Assert.Contains("as many channels", Assert.Throws<SpectralKDException>(
            () => LayerChoice.Make(DeitTiny, Flat("wide", 12, 768, 14), new LayerSelection())).Message, StringComparison.Ordinal);

    private static void AssertPairs(int[] students, int[] teachers, LayerPairs pairs)
    {
        Assert.Equal(students, pairs.StudentLayers);
        Assert.Equal(teachers, pairs.TeacherLayers);
    }

    private static LayerCandidates Flat(string name, int depth, int channels, int side) => new(
        name, [.. Enumerable.Range(0, depth).Select(index => new BlockInfo(index, $"blocks.{index}", channels, side, side))], null);

    private static LayerCandidates Swin(string name) => new(
        name, [.. Enumerable.Range(0, 4).Select(index => new BlockInfo(index, $"layers.{index}", 96 << index, 56 >> index, 56 >> index))], null);

    private static LayerCandidates Catalogued(string name) => new(name, ModelCatalog.Find(name).Blocks, null);
}
