using Microsoft.Data.Analysis;

namespace SpectralKD.Interactive.Magic;

/// <summary>Parameters of <c>#!spectral-similarity</c>.</summary>
internal sealed class SimilarityArguments
{
    [MagicParameter("variable that holds the teacher", Required = true, Value = MagicValue.ModelVariable)]
    public string Teacher { get; set; } = "";

    [MagicParameter("variable that holds the student", Required = true, Value = MagicValue.ModelVariable)]
    public string Student { get; set; } = "";

    [MagicParameter("variable that holds the images", Value = MagicValue.ImagesVariable)]
    public string Images { get; set; } = "images";

    [MagicParameter("variable that holds layer pairs to draw in [the paper's end points, where they fit]", Value = MagicValue.AnyVariable)]
    public string? Layers { get; set; }

    [MagicParameter("what is drawn: CKA between images or between tokens, R2 of a ridge regression, Procrustes or Grassmann distance; the table has all")]
    public SimilarityFigure Figure { get; set; }

    [MagicParameter("directions of the subspaces that Grassmann compares")]
    public int Directions { get; set; } = new SimilarityOptions().Directions;

    [MagicParameter("images in one forward pass and one batch of the CKA, at least 4")]
    public int Batch { get; set; } = new SimilarityOptions().BatchSize;

    [MagicParameter("i/n: only every n-th batch from the i-th; #!spectral-save to a .safetensors file, and the parts merge by spectralkd merge or ModelSimilarity.Merge")]
    public string? Shard { get; set; }

    [MagicParameter("C# variable for the result; its table goes into <as>Table", Value = MagicValue.NewVariable)]
    public string As { get; set; } = "similarity";
}

/// <summary>Two models side by side, block by block.</summary>
internal sealed class SimilarityCommand : MagicCommand<SimilarityArguments>
{
    public override string Name => "#!spectral-similarity";

    public override string Description => "two models side by side: CKA, R2, Procrustes and Grassmann of all pairs of blocks as a heatmap, chosen pairs drawn in";

    public override string Example => "#!spectral-similarity --teacher teacher --student student --images images";

    protected override async Task RunAsync(SimilarityArguments arguments, INotebookHost host, CancellationToken cancellationToken)
    {
        var (teacher, student, images) = (host.Model(arguments.Teacher), host.Model(arguments.Student), host.Images(arguments.Images));
        var pairs = arguments.Layers is { } name ? host.Pairs(name) : null;
        var progress = new ProgressDisplay(host, $"{student.Spec.Name} beside {teacher.Spec.Name}", "images");
        var options = new SimilarityOptions { BatchSize = arguments.Batch, Directions = arguments.Directions, Shard = arguments.Shard is { } part ? DataShard.Parse(part) : null };
        var similarity = await Task.Run(() => ModelSimilarity.Run(teacher, student, images, options, new AnalysisReporter(progress), cancellationToken), cancellationToken);
        await host.SetVariableAsync(arguments.As, similarity, typeof(ModelSimilarity));
        await host.SetVariableAsync(arguments.As + "Table", similarity.ToDataFrame(), typeof(DataFrame));
        host.Display(Charts.Similarity(similarity, pairs ?? PairSetup.EndPoints(similarity), arguments.Figure));
        if (!similarity.Notes.IsEmpty)
        {
            host.Display(new MessageView($"{similarity.Student} beside {similarity.Teacher}", similarity.Notes));
        }
    }
}

/// <summary>Parameters of <c>#!spectral-predict</c>.</summary>
internal sealed class PredictArguments
{
    [MagicParameter("recipe.json or a built-in recipe: its models, images and losses", Implicit = true, Required = true, Value = MagicValue.Path)]
    public string Recipe { get; set; } = "";

    [MagicParameter("training images that are looked at, at least 8")]
    public int Count { get; set; } = new PredictionOptions().Images;

    [MagicParameter("all pairs whose maps fit, instead of each block of the student with the teacher's at the same relative depth")]
    public bool AllPairs { get; set; }

    [MagicParameter("first weights of the student, of the recipe's seed and those after it: means, with standard deviations in columns of their own")]
    public int Seeds { get; set; } = 1;

    [MagicParameter("trains the recipe's first epoch without alignment and looks at the gradients again: gradient_affinity_epoch_1")]
    public bool FirstEpoch { get; set; }

    [MagicParameter("C# variable for the predictions; their table goes into <as>Table", Value = MagicValue.NewVariable)]
    public string As { get; set; } = "predictions";
}

/// <summary>What can be said of layer pairs before training.</summary>
internal sealed class PredictCommand : MagicCommand<PredictArguments>
{
    public override string Name => "#!spectral-predict";

    public override string Description => "what is known of each layer pair before training: intensity, rank, CKA, R2, accuracy of the block, agreement of gradients …";

    public override string Example => "#!spectral-predict nano-deit-distilled --count 128 --as predictions";

    protected override async Task RunAsync(PredictArguments arguments, INotebookHost host, CancellationToken cancellationToken)
    {
        var options = new PredictionOptions { Images = arguments.Count, AllPairs = arguments.AllPairs, Seeds = arguments.Seeds, FirstEpoch = arguments.FirstEpoch };
        var predictions = await LayerPredictions.OfAsync(ComparisonSetup.RecipeOf(arguments.Recipe), options, new Reporter(new ProgressDisplay(host, "", "")), cancellationToken);
        await host.SetVariableAsync(arguments.As, predictions, typeof(LayerPredictions));
        await host.SetVariableAsync(arguments.As + "Table", predictions.Table, typeof(DataFrame));
        host.Display(predictions.Table);
        if (predictions.Notes.Count > 0)
        {
            host.Display(new MessageView("predictions", predictions.Notes));
        }
    }

    private sealed class Reporter(ProgressDisplay display) : IProgress<PredictionProgress>
    {
        public void Report(PredictionProgress value) => display.Report(new ProgressView(value.Title, value.Done, value.Total, value.Unit, value.Elapsed));
    }
}

/// <summary>What the commands and the magic commands of layer pairs do alike.</summary>
internal static class PairSetup
{
    /// <summary>The paper's end points; null where they do not fit the models that were compared.</summary>
    public static LayerPairs? EndPoints(ModelSimilarity similarity)
    {
        try
        {
            return LayerChoice.Make(
                new LayerCandidates(similarity.Teacher, [.. similarity.Pairs.Select(pair => pair.Teacher).Distinct()], null),
                new LayerCandidates(similarity.Student, [.. similarity.Pairs.Select(pair => pair.Student).Distinct()], null), new LayerSelection());
        }
        catch (SpectralKDException)
        {
            return null;
        }
    }

    /// <summary>The heatmaps of all figures that there are.</summary>
    public static IReadOnlyList<Plotly.NET.GenericChart> Charts(ModelSimilarity similarity, LayerPairs? pairs) =>
        [.. Enum.GetValues<SimilarityFigure>().Where(figure => similarity.Pairs.Any(pair => pair.Value(figure) is not null)).Select(figure => Interactive.Charts.Similarity(similarity, pairs, figure))];
}

/// <summary>Parameters of <c>#!spectral-select</c>.</summary>
internal sealed class SelectArguments
{
    [MagicParameter("variable that holds the teacher's spectrum", Required = true, Value = MagicValue.SpectrumVariable)]
    public string Teacher { get; set; } = "";

    [MagicParameter("variable that holds the student's spectrum", Required = true, Value = MagicValue.SpectrumVariable)]
    public string Student { get; set; } = "";

    [MagicParameter("how layers are chosen")]
    public LayerStrategy Strategy { get; set; } = LayerStrategy.Endpoints;

    [MagicParameter("endpoints: how many first blocks (2)")]
    public int? First { get; set; }

    [MagicParameter("endpoints: how many last blocks (6)")]
    public int? Last { get; set; }

    [MagicParameter("top, even, predicted: how many pairs (8)")]
    public int? Count { get; set; }

    [MagicParameter("threshold: part of the teacher's largest intensity, above 0, at most 1")]
    public double Threshold { get; set; } = 0.5;

    [MagicParameter("explicit: the teacher's blocks, for example 0,1,18..23")]
    public string? TeacherLayers { get; set; }

    [MagicParameter("explicit: the student's blocks, for example 0,1,6..11")]
    public string? StudentLayers { get; set; }

    [MagicParameter("predicted: variable that holds the predictions of #!spectral-predict", Value = MagicValue.AnyVariable)]
    public string? Predictions { get; set; }

    [MagicParameter("predicted: the predictor, a column of the predictions")]
    public string By { get; set; } = LayerPredictions.Default;

    [MagicParameter("allow pairs whose maps differ in height and width, for a run with --resize-maps")]
    public bool AnyGrid { get; set; }

    [MagicParameter("C# variable for the layer pairs", Value = MagicValue.NewVariable)]
    public string As { get; set; } = "layers";
}

/// <summary>Chooses the layers in which a student is to imitate its teacher, and shows them on both U-curves.</summary>
internal sealed class SelectCommand : MagicCommand<SelectArguments>
{
    public override string Name => "#!spectral-select";

    public override string Description => "chooses layer pairs of a teacher and a student, shows them on both U-curves";

    public override string Example => "#!spectral-select --teacher teacherSpectrum --student studentSpectrum --as layers";

    protected override async Task RunAsync(SelectArguments arguments, INotebookHost host, CancellationToken cancellationToken)
    {
        var (teacher, student) = (host.Spectrum(arguments.Teacher), host.Spectrum(arguments.Student));
        var pairs = LayerPairs.Select(teacher, student, SelectionOf(arguments, host, teacher, student));
        await host.SetVariableAsync(arguments.As, pairs, typeof(LayerPairs));
        host.Display(pairs);
        host.Display(Charts.Pairs(teacher, student, pairs));
    }

    private static LayerSelection SelectionOf(SelectArguments arguments, INotebookHost host, ModelSpectrum teacher, ModelSpectrum student) => new()
    {
        Strategy = arguments.Strategy,
        First = arguments.First,
        Last = arguments.Last,
        Count = arguments.Count,
        Threshold = arguments.Threshold,
        AnyGrid = arguments.AnyGrid,
        Scores = arguments.Predictions is { } predictions ? host.Predictions(predictions).Scores(arguments.By) : null,
        Teacher = arguments.TeacherLayers is { } t ? LayerList.Parse(t, teacher.Blocks.Length) : null,
        Student = arguments.StudentLayers is { } s ? LayerList.Parse(s, student.Blocks.Length) : null,
    };
}
