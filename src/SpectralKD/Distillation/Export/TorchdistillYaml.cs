using System.Globalization;
using System.Text;

namespace SpectralKD.Distillation;

/// <summary>
/// A recipe as the YAML of torchdistill (github.com/yoshitomo-matsubara/torchdistill), for its <c>examples/torchvision/image_classification.py</c>: models by PyTorch Hub from timm, the
/// losses that it has (labels, KD, KD of standardised logits, DIST). What has no counterpart is said.
/// </summary>
internal sealed class TorchdistillYaml(DistillationRecipe recipe, ExportOptions options)
{
    private readonly List<string> _blocking = [];
    private readonly List<string> _differing = [];
    private readonly StringBuilder _text = new();

    public ExportedCommand Write()
    {
        var entry = ModelCatalog.Find(recipe.Student);
        var size = recipe.ImageSize ?? entry.Spec.ImageSize;
        Remarks();
        _text.Append($"# {recipe.Student}{(recipe.HasTeacher ? " from " + recipe.Teacher : "")}, by torchdistill's examples/torchvision/image_classification.py:\n")
            .Append($"#   torchrun --nproc_per_node={options.GpusPerNode} examples/torchvision/image_classification.py --config THIS.yaml --world_size {options.GpusPerNode} --seed {recipe.Seed} --run_log log.txt\n");
        Datasets(entry.Spec.Preprocessing, size);
        Models(recipe.Classes ?? recipe.Data.Classes ?? 1000);
        Train();
        Line(0, "test:");
        Line(2, "test_data_loader:");
        Loader(4, "val", "SequentialSampler", recipe.Batch);
        return new ExportedCommand(_text.ToString(), [.. _blocking, .. _differing], _blocking.Count == 0);
    }

    private void Datasets(Preprocessing preprocessing, ImageSize size)
    {
        Line(0, "datasets:");
        var (resize, sides) = (preprocessing.ResizeTo(size), $"[{size.Height}, {size.Width}]");
        Note(_differing, !resize.Squash && !resize.To.IsSquare, "images are resized to the shorter side of the rectangle alone, where this library covers it");
        var to = resize.Squash ? $"[{resize.To.Height}, {resize.To.Width}]" : FormattableString.Invariant($"{resize.To.Shorter}");
        string[] still = [$"Resize: {{size: {to}, interpolation: {(resize.Interpolation == "bicubic" ? 3 : 2)}}}", $"CenterCrop: {{size: {sides}}}"]; // Pillow's numbers
        Dataset("train", recipe.Data.Augmentation == "none" ? still : [$"RandomResizedCrop: {{size: {sides}, interpolation: 3}}", "RandomHorizontalFlip: {p: 0.5}"], preprocessing);
        Dataset("val", still, preprocessing);
    }

    private void Dataset(string part, IEnumerable<string> transforms, Preprocessing preprocessing)
    {
        Line(2, $"images/{part}: !import_call");
        Line(4, "key: 'torchvision.datasets.ImageFolder'");
        Line(4, "init:");
        Line(6, "kwargs:");
        Line(8, $"root: '{(options.DataPath ?? ReferenceNotes.DataFolder(recipe)).Replace("'", "''", StringComparison.Ordinal)}/{part}'");
        Line(8, "transform: !import_call");
        Line(10, "key: 'torchvision.transforms.Compose'");
        Line(10, "init:");
        Line(12, "kwargs:");
        Line(14, "transforms:");
        foreach (var transform in transforms.Append("ToTensor: {}").Append($"Normalize: {{mean: [{Triple(preprocessing.Mean)}], std: [{Triple(preprocessing.Std)}]}}"))
        {
            var parts = transform.Split(": ", 2);
            Line(16, "- !import_call");
            Line(18, $"key: 'torchvision.transforms.{parts[0]}'");
            Line(18, $"init: {{kwargs: {parts[1]}}}");
        }
    }

    private void Models(int classes)
    {
        Line(0, "models:");
        if (recipe.HasTeacher)
        {
            Model("teacher_model", recipe.Teacher!, classes, recipe.TeacherWeights);
        }

        Model(recipe.HasTeacher ? "student_model" : "model", recipe.Student, classes, recipe.StudentWeights);
        Line(4, $"dst_ckpt: '{options.OutputFolder ?? "./resource/ckpt"}/{recipe.Student}.pt'");
    }

    private void Model(string role, string name, int classes, string weights)
    {
        var file = weights is "pretrained" or "seeded" || weights.StartsWith("seeded:", StringComparison.Ordinal) ? "" : $" '{weights}'";
        Line(2, $"{role}:");
        Line(4, $"key: '{name}'");
        Line(4, "repo_or_dir: 'huggingface/pytorch-image-models'");
        Line(4, $"kwargs: {{num_classes: {classes}, pretrained: {(weights == "pretrained" ? "True" : "False")}{(name == recipe.Student && recipe.DropPathRate > 0 ? $", drop_path_rate: {Number(recipe.DropPathRate)}" : "")}}}");
        Line(4, $"src_ckpt:{file}");
    }

    private void Train()
    {
        var (schedule, settings) = (recipe.Schedule(), recipe.Optimizer);
        Line(0, "train:");
        Line(2, "log_freq: 100");
        Line(2, $"num_epochs: {recipe.Epochs}");
        Line(2, "train_data_loader:");
        Loader(4, "train", "RandomSampler", recipe.ImagesPerStep / options.Processes);
        Line(2, "val_data_loader:");
        Loader(4, "val", "SequentialSampler", recipe.Batch);
        if (recipe.HasTeacher)
        {
            Line(2, "teacher: {forward_proc: 'forward_batch_only', sequential: [], wrapper: 'DataParallel', requires_grad: False}");
            Line(2, "student: {forward_proc: 'forward_batch_only', adaptations: {}, sequential: [], wrapper: 'DistributedDataParallel', requires_grad: True, frozen_modules: []}");
        }
        else
        {
            Line(2, "model: {forward_proc: 'forward_batch_only', sequential: [], wrapper: 'DistributedDataParallel', requires_grad: True, frozen_modules: []}");
        }

        Line(2, "optimizer:");
        Line(4, "key: 'AdamW'");
        Line(4, $"kwargs: {{lr: {Number(schedule.LearningRate)}, betas: [{Number(settings.Beta1)}, {Number(settings.Beta2)}], eps: {Number(settings.Epsilon)}, weight_decay: {Number(settings.WeightDecay)}}}");
        Line(2, "scheduler:");
        Line(4, "key: 'CosineAnnealingLR'");
        Line(4, $"kwargs: {{T_max: {recipe.Epochs}, eta_min: {Number(schedule.MinimumRate)}}}");
        Line(2, "criterion:");
        Line(4, "key: 'WeightedSumLoss'");
        Line(4, "kwargs:");
        Line(6, "sub_terms:");
        Terms();
    }

    private void Terms()
    {
        var numbers = new Dictionary<string, int>();
        foreach (var term in recipe.Losses is { } losses ? LossTerm.Complete(losses, ModelCatalog.Find(recipe.Student).Spec.AlignmentWeight) : recipe.Loss.AsTerms(recipe.Align))
        {
            var (settings, weight) = (term.Settings(), term.Weight!.Value);
            var name = numbers.TryGetValue(term.Name, out var earlier) ? FormattableString.Invariant($"{term.Name}{earlier + 1}") : term.Name;
            numbers[term.Name] = earlier + 1;
            if (term.Name == LabelsTerm.Kind.Name)
            {
                Line(8, $"{name}:");
                Line(10, "criterion:");
                Line(12, "key: 'CrossEntropyLoss'");
                Line(12, $"kwargs: {{reduction: 'mean', label_smoothing: {Number(settings.Number("smoothing"))}}}");
                Line(10, "criterion_wrapper:");
                Line(12, "key: 'SimpleLossWrapper'");
                Line(12, "kwargs: {input: {is_from_teacher: False, module_path: '.', io: 'output'}, target: {uses_label: True}}");
                Line(10, $"weight: {Number(weight)}");
            }
            else if (term.Name == SoftTerm.Kind.Name)
            {
                // With alpha 0 its KDLoss is the divergence alone, without the factor tau^2.
                var (tau, standardised) = (settings.Number("tau"), settings.Switch(LossKind.Standardise));
                Criterion(name, standardised ? "LogitStdKDLoss" : "KDLoss", $", temperature: {Number(tau)}, alpha: 0, reduction: 'batchmean'", weight * tau * tau);
            }
            else if (term.Name == DistTerm.Kind.Name)
            {
                Criterion(name, "DISTLoss", $", beta: {Number(settings.Number("beta"))}, gamma: {Number(settings.Number("gamma"))}, tau: {Number(settings.Number("tau"))}", weight);
            }
            else
            {
                _blocking.Add($"torchdistill has no counterpart of the loss {term.Name} for vision transformers{(term.Name == AttentionTerm.Kind.Name ? ": its ATLoss takes a CNN's maps [B, C, H, W], and a block's output is [B, N, C]" : "")}; it is left out of the YAML");
            }
        }
    }

    private void Criterion(string name, string key, string kwargs, double weight)
    {
        Line(8, $"{name}:");
        Line(10, "criterion:");
        Line(12, $"key: '{key}'");
        Line(12, $"kwargs: {{student_module_path: '.', student_module_io: 'output', teacher_module_path: '.', teacher_module_io: 'output'{kwargs}}}");
        Line(10, $"weight: {Number(weight)}");
    }

    private void Loader(int indent, string part, string sampler, int batch)
    {
        Line(indent, $"dataset_id: 'images/{part}'");
        Line(indent, $"sampler: {{class_or_func: !import_get {{key: 'torch.utils.data.{sampler}'}}, kwargs: {{}}}}");
        Line(indent, $"kwargs: {{batch_size: {batch}, num_workers: {options.Workers}, pin_memory: True, drop_last: {(part == "train" ? "True" : "False")}}}");
    }

    private void Remarks()
    {
        Note(_blocking, (recipe.Window ?? recipe.TeacherWindow) is not null, "window and teacherWindow are not written: the YAML builds both models with their own windows");
        Note(_differing, recipe.HasTeacher && !ModelCatalog.Find(recipe.Teacher!).Spec.Preprocessing.NormalizesAs(ModelCatalog.Find(recipe.Student).Spec.Preprocessing),
            $"the teacher {recipe.Teacher} is shown images by the student's mean and deviation, not by its own");
        foreach (var name in new[] { recipe.Student, recipe.HasTeacher ? recipe.Teacher : null }.OfType<string>().Where(name => name.Contains("_nano_", StringComparison.Ordinal)))
        {
            _blocking.Add($"timm has no model {name}: it is one of this library's own");
        }

        Note(_blocking, recipe.Data.Train is "textures" or "cifar10" || recipe.Data.Train.EndsWith(".zip", StringComparison.OrdinalIgnoreCase) || recipe.Data.HoldOut,
            $"the YAML reads a folder with train and val inside, not {recipe.Data.Train}{(recipe.Data.HoldOut ? " with holdOut" : "")}");
        Note(_differing, recipe.Schedule().WarmupEpochs > 0, "the warm-up of the learning rate has no counterpart: the cosine begins at its peak");
        Note(_differing, recipe.EmaDecay != 0, "the average of the weights (emaDecay) has no counterpart");
        Note(_differing, recipe.Accumulate > 1, "accumulate is not written: batch_size holds the whole step's images");
        Note(_differing, recipe.Optimizer.ClipNorm is not null, "optimizer.clipNorm is not written");
        Note(_differing, recipe.Data.Augmentation == "deit", "of the augmentation deit only random crops and mirroring are written: RandAugment and erasing of timm are no torchvision transforms");
        Note(_differing, recipe.Data.Mixing is not null, "mixup and cutMix are not written");
        Note(_differing, recipe.Data.Views is not null || recipe.CacheTeacher is not null, "views and cacheTeacher have no counterpart: it draws anew in each epoch and asks the teacher in each step");
        Note(_differing, recipe.Data.Count is not null || recipe.Data.ValidationCount is not null || recipe.Data.Classes is not null, "it reads all images of the folder: count, validationCount and classes have no counterpart");
        Note(_differing, recipe.Optimizer.WeightDecay > 0, "its AdamW decays biases and norms too, where this library and timm leave them out");
        Note(_differing, true, "it computes in float32; random numbers differ: equal seeds do not give equal runs");
    }

    private static void Note(List<string> notes, bool when, string note)
    {
        if (when)
        {
            notes.Add(note);
        }
    }

    private void Line(int indent, string text) => _text.Append(' ', indent).Append(text).Append('\n');

    private static string Number(double value) => value.ToString("0.##########", CultureInfo.InvariantCulture);

    private static string Triple(IReadOnlyList<float> values) => string.Join(", ", values.Select(value => value.ToString("0.####", CultureInfo.InvariantCulture)));
}
