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

    [Theory]
    [InlineData("kd,alignment", "--distillation-type soft --distillation-alpha 0.9 --distillation-beta 1 --distillation-tau 1 --w-fft 0.2", "torchrun")]
    [InlineData("kd:tau=2:weight=0.7,labels:weight=0.3", "--distillation-type soft --distillation-alpha 0.7 --distillation-beta 1 --distillation-tau 2 --w-fft 0", "torchrun")]
    [InlineData("kd,mse:weight=0.1", "--w-fft 0.1 --smoothing 0.1 \\\n    --use-mse-loss", "# in github.com/thy960112/From-Per-Image-Low-Rank-to-Encoding-Mismatch")]
    [InlineData("kd,projector", "--distillation-type soft", "# in github.com/thy960112/Distillation-Dynamics")]
    public void A_list_of_losses_is_the_command_of_that_repository_of_the_authors_which_has_it(string losses, string part, string beginning)
    {
        var command = RunExport.ToTorchrun(Paper.WithLosses(losses));
        Assert.True(command.Runs, string.Join("; ", command.Notes));
        Assert.Contains(part, command.Text, StringComparison.Ordinal);
        Assert.StartsWith(beginning, command.Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("dist", "the authors' programs have no dist")]
    [InlineData("kd:standardise=true", "do not standardise logits")]
    [InlineData("kd,alignment:band=low", "the authors' alignment takes all frequencies")]
    [InlineData("kd,labels:weight=1", "give ones that add up to 1")]
    public void Losses_that_the_authors_do_not_have_are_never_exported_as_others(string losses, string expected)
    {
        var command = RunExport.ToTorchrun(Paper.WithLosses(losses));
        Assert.False(command.Runs);
        Assert.Contains(command.Notes, note => note.Contains(expected, StringComparison.Ordinal));
    }

    [Fact]
    public void Torchdistill_gets_the_losses_that_it_has_and_the_others_are_named()
    {
        var whole = RunExport.ToTorchdistill(Paper.WithLosses("kd:tau=2,dist"));
        Assert.True(whole.Runs, string.Join("; ", whole.Notes));
        foreach (var part in new[]
        {
            "key: 'CrossEntropyLoss'", "label_smoothing: 0.1", "weight: 0.1\n", "key: 'KDLoss'", "temperature: 2, alpha: 0, reduction: 'batchmean'", "weight: 3.6\n", // 0.9 tau^2
            "key: 'DISTLoss'", "beta: 1, gamma: 1, tau: 1}", "weight: 2\n", "key: 'deit_tiny_patch16_224'", "repo_or_dir: 'huggingface/pytorch-image-models'", "num_epochs: 400",
            "batch_size: 256", "root: 'ILSVRC2012/train'", "{lr: 0.0005, betas: [0.9, 0.999], eps: 0.00000001, weight_decay: 0.05}",
        })
        {
            Assert.Contains(part, whole.Text, StringComparison.Ordinal);
        }

        Assert.Contains("key: 'LogitStdKDLoss'", RunExport.ToTorchdistill(Paper.WithLosses("kd:standardise=true")).Text, StringComparison.Ordinal);
        var aligned = RunExport.ToTorchdistill(Paper);
        Assert.False(aligned.Runs);
        Assert.Contains(aligned.Notes, note => note.Contains("no counterpart of the loss alignment", StringComparison.Ordinal));
        Assert.Contains(aligned.Notes, note => note.Contains("warm-up", StringComparison.Ordinal));
        Assert.DoesNotContain("teacher", RunExport.ToTorchdistill(Paper.WithLosses("labels")).Text.Replace("is_from_teacher", "", StringComparison.Ordinal), StringComparison.Ordinal);
        Assert.Contains(RunExport.ToTorchdistill(RecipeLibrary.Get("nano-deit-distilled"), new ExportOptions { GpusPerNode = 1 }).Notes, note => note.Contains("timm has no model", StringComparison.Ordinal));
        Assert.Contains("its ATLoss takes a CNN's maps", string.Join(' ', RunExport.ToTorchdistill(Paper.WithLosses("kd,at")).Notes), StringComparison.Ordinal);
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
