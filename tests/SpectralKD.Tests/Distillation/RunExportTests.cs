namespace SpectralKD.Tests.Distillation;

public sealed class RunExportTests
{
    private static readonly DistillationRecipe Paper = RecipeLibrary.Get("paper-deit-tiny");

    [Theory]
    [InlineData("torchrun --standalone --nproc_per_node=2 main.py")]
    [InlineData("--model deit_tiny_patch16_224 --teacher-model cait_s24_224 --drop-path 0")]
    [InlineData("--distillation-type soft --distillation-alpha 0.9 --distillation-beta 1 --distillation-tau 1 --w-fft 0.2 --smoothing 0.1")]
    [InlineData("--s-id 0 1 6 7 8 9 10 11 --t-id 0 1 18 19 20 21 22 23")]
    [InlineData("--epochs 400 --batch-size 256 --lr 0.0005 --min-lr 0.00001 --warmup-epochs 5 --warmup-lr 0.000001")]
    [InlineData("--weight-decay 0.05 --model-ema-decay 0.99996")]
    [InlineData("--data-path ILSVRC2012 --data-set IMNET --output_dir Output/deit_tiny_patch16_224")]
    public void The_papers_recipe_is_the_references_command(string part)
    {
        var command = RunExport.ToTorchrun(Paper);
        Assert.True(command.Runs, string.Join("; ", command.Notes));
        Assert.Contains(part, command.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void The_learning_rate_is_what_the_reference_makes_of_it()
    {
        var recipe = Paper with { Batch = 1024, LearningRate = 2e-3 };
        var text = RunExport.ToTorchrun(recipe, new ExportOptions { GpusPerNode = 4 }).Text;
        Assert.Contains("--batch-size 256 --lr 0.001 ", text, StringComparison.Ordinal); // 0.001 * 1024 / 512
    }

    [Fact]
    public void Slurm_gets_a_whole_batch_script()
    {
        var script = RunExport.ToSlurm(Paper, new ExportOptions { Nodes = 2, GpusPerNode = 4, DataPath = "/data/image net" }).Text;
        Assert.StartsWith("#!/bin/bash\n#SBATCH", script, StringComparison.Ordinal);
        Assert.Contains("#SBATCH --nodes=2", script, StringComparison.Ordinal);
        Assert.Contains("srun torchrun --nnodes=\"$SLURM_NNODES\" --nproc_per_node=4", script, StringComparison.Ordinal);
        Assert.Contains("--batch-size 64", script, StringComparison.Ordinal);
        Assert.Contains("--data-path '/data/image net'", script, StringComparison.Ordinal);
    }

    [Fact]
    public void What_has_no_counterpart_is_said()
    {
        var nano = RunExport.ToTorchrun(RecipeLibrary.Get("nano-deit-distilled"), new ExportOptions { GpusPerNode = 1 });
        Assert.False(nano.Runs);
        Assert.Contains(nano.Notes, note => note.Contains("timm has no model deit_nano_patch8_64", StringComparison.Ordinal));
        Assert.Contains(nano.Notes, note => note.Contains("textures", StringComparison.Ordinal));
        Assert.Contains(nano.Notes, note => note.Contains("trackSpectra", StringComparison.Ordinal));
        var mixed = RunExport.ToTorchrun(Paper with { Data = Paper.Data with { Mixup = 0.8 }, TeacherWeights = "mine.pth" });
        Assert.Contains(mixed.Notes, note => note.Contains("mixup", StringComparison.Ordinal));
        Assert.Contains(mixed.Notes, note => note.Contains("--teacher-path", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(DistillationMethod.Soft, 9, false)]
    [InlineData(DistillationMethod.Hard, 9, false)]
    [InlineData(DistillationMethod.Fft, 9, true)]
    [InlineData(DistillationMethod.Soft, 1000, true)]
    public void A_published_head_of_other_classes_cannot_teach_the_reference_either(DistillationMethod method, int classes, bool runs)
    {
        var exported = RunExport.ToTorchrun(Paper with { Classes = classes, Loss = Paper.Loss with { Method = method } });
        Assert.Equal(runs, exported.Runs);
        Assert.Equal(runs, !exported.Notes.Contains("the published head of cait_s24_224 has 1000 classes and the recipe 9, so its logits cannot teach; take the method fft"));
    }

    [Fact]
    public void Recipes_without_layers_name_the_papers()
    {
        var text = RunExport.ToTorchrun(Paper with { StudentLayers = null, TeacherLayers = null }).Text;
        Assert.Contains("--s-id 0 1 6 7 8 9 10 11 --t-id 0 1 18 19 20 21 22 23", text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_step_that_does_not_divide_is_an_error() => Assert.Contains(
        "does not divide",
        Assert.Throws<SpectralKDException>(() => RunExport.ToTorchrun(Paper, new ExportOptions { GpusPerNode = 3 })).Message,
        StringComparison.Ordinal);
}
