using SpectralKD.Interactive.Charting;
using SpectralKD.Spectra;

namespace SpectralKD.Interactive.Magic.Commands;

/// <summary>Parameters of <c>#!spectral-select</c>.</summary>
public sealed class SelectArguments
{
    /// <summary>Variable that holds the teacher's spectrum.</summary>
    [MagicParameter("variable that holds the teacher's spectrum", Required = true, Value = MagicValue.SpectrumVariable)]
    public string Teacher { get; set; } = "";

    /// <summary>Variable that holds the student's spectrum.</summary>
    [MagicParameter("variable that holds the student's spectrum", Required = true, Value = MagicValue.SpectrumVariable)]
    public string Student { get; set; } = "";

    /// <summary>How layers are chosen.</summary>
    [MagicParameter("how layers are chosen")]
    public LayerStrategy Strategy { get; set; } = LayerStrategy.Endpoints;

    /// <summary>Endpoints: how many first blocks.</summary>
    [MagicParameter("endpoints: how many first blocks (2)")]
    public int? First { get; set; }

    /// <summary>Endpoints: how many last blocks.</summary>
    [MagicParameter("endpoints: how many last blocks (6)")]
    public int? Last { get; set; }

    /// <summary>Top and even: how many pairs.</summary>
    [MagicParameter("top, even: how many pairs (8)")]
    public int? Count { get; set; }

    /// <summary>Threshold: part of the largest intensity.</summary>
    [MagicParameter("threshold: part of the teacher's largest intensity, above 0, at most 1")]
    public double Threshold { get; set; } = 0.5;

    /// <summary>Explicit: the teacher's blocks.</summary>
    [MagicParameter("explicit: the teacher's blocks, for example 0,1,18..23")]
    public string? TeacherLayers { get; set; }

    /// <summary>Explicit: the student's blocks.</summary>
    [MagicParameter("explicit: the student's blocks, for example 0,1,6..11")]
    public string? StudentLayers { get; set; }

    /// <summary>Variable for the pairs.</summary>
    [MagicParameter("C# variable for the layer pairs", Value = MagicValue.NewVariable)]
    public string As { get; set; } = "layers";
}

/// <summary>Chooses the layers in which a student is to imitate its teacher, and shows them on both U-curves.</summary>
public sealed class SelectCommand : MagicCommand<SelectArguments>
{
    /// <inheritdoc/>
    public override string Name => "#!spectral-select";

    /// <inheritdoc/>
    public override string Description => "chooses layer pairs of a teacher and a student, shows them on both U-curves";

    /// <inheritdoc/>
    public override string Example => "#!spectral-select --teacher teacherSpectrum --student studentSpectrum --as layers";

    /// <inheritdoc/>
    protected override async Task RunAsync(SelectArguments arguments, INotebookHost host, CancellationToken cancellationToken)
    {
        var (teacher, student) = (host.Spectrum(arguments.Teacher), host.Spectrum(arguments.Student));
        var pairs = LayerPairs.Select(teacher, student, SelectionOf(arguments, teacher, student));
        await host.SetVariableAsync(arguments.As, pairs, typeof(LayerPairs));
        host.Display(pairs);
        host.Display(Charts.Pairs(teacher, student, pairs));
    }

    private static LayerSelection SelectionOf(SelectArguments arguments, ModelSpectrum teacher, ModelSpectrum student) => new()
    {
        Strategy = arguments.Strategy,
        First = arguments.First,
        Last = arguments.Last,
        Count = arguments.Count,
        Threshold = arguments.Threshold,
        Teacher = arguments.TeacherLayers is { } t ? LayerList.Parse(t, teacher.Blocks.Length) : null,
        Student = arguments.StudentLayers is { } s ? LayerList.Parse(s, student.Blocks.Length) : null,
    };
}
