
namespace SpectralKD.Interactive;

/// <summary>How scripts of outputs find out whether they stand on a dark ground.</summary>
internal static class PageGround
{
    /// <summary>
    /// The function <c>isDark(element)</c>. The ground is looked for upwards from the element; where there is none (VS Code paints it outside of the notebook's
    /// page) light text tells of a dark one.
    /// </summary>
    public const string IsDark = """
        function rgb(text){return (text.match(/[\d.]+/g)||[]).map(Number);}
        function light(c){return 0.2126*c[0]+0.7152*c[1]+0.0722*c[2];}
        function isDark(element){
          for(var e=element.parentElement;e;e=e.parentElement){
            var c=rgb(getComputedStyle(e).backgroundColor);
            if(c.length>=3&&c[3]!==0)return light(c)<110;
          }
          return light(rgb(getComputedStyle(element).color))>145;
        }

        """;
}
