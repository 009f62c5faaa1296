using SpectralKD.Notebook.Session;

namespace SpectralKD.Notebook.Jupyter.Execution;

/// <summary>The output of a silent execution or of a user expression: nobody hears it; the value is kept.</summary>
internal sealed class UnheardOutput : ICellOutput
{
    /// <summary>The value of the last expression.</summary>
    public MimeBundle? Result { get; private set; }

    public bool IsSeen => false;

    public void Stream(string name, string text)
    {
    }

    public void DisplayData(MimeBundle data, string displayId)
    {
    }

    public void UpdateDisplayData(MimeBundle data, string displayId)
    {
    }

    public void ExecuteResult(MimeBundle data) => Result = data;

    public void ClearOutput(bool wait)
    {
    }
}
